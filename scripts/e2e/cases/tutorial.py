"""Every command of the tutorial works, in a fresh clone, with the edge's port published on the machine itself."""

import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from engine import Failed
from project import ROOT

# A block that is not run says so, and why, on the line before it.
BLOCK = re.compile(r"(<!-- not run by the test: [^\n]+ -->\n)?```bash\n(.*?)```\n", re.S)


def blocks(text):
    """Pairs of a block of commands and whether it is to be run."""
    return [(commands, not excuse) for excuse, commands in BLOCK.findall(text)]


def every_command_of_the_tutorial_works(stack):
    clone = Path(tempfile.mkdtemp(prefix="swarm-upload-tutorial."))
    try:
        subprocess.run(["git", "clone", "--quiet", ROOT, clone], check=True)
        # Those of the commit that they run in, whatever has been changed since.
        found = blocks((clone / "docs/TUTORIAL.md").read_text())
        to_run = [commands for commands, wanted in found if wanted]
        assert len(to_run) >= 20, len(to_run)
        for commands in to_run:
            done = subprocess.run(
                ["bash", "-euo", "pipefail", "-c", commands], cwd=clone, env=stack.environment, text=True, timeout=1200,
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            if done.returncode != 0:
                raise Failed(f"{commands}ended with {done.returncode}:\n{done.stdout[-4000:]}\n{stack.state()}")
            print(f"    $ {commands.strip()}\n{done.stdout[-600:]}", flush=True)
    finally:
        shutil.rmtree(clone, ignore_errors=True)
    return f"{len(to_run)} blocks of commands run, {len(found) - len(to_run)} not"
