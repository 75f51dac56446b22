"""The images of the program: the latest, the next version, and two bad ones."""

import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from engine import Failed
from stack import ROOT

VERSION = re.search(r'^version = "(.+)"$', (ROOT / "Cargo.toml").read_text(), re.M).group(1)
NEXT_VERSION = re.sub(r"\d+$", lambda last: str(int(last.group()) + 1), VERSION)

# Alive, but where nobody asks; and alive, but with a database that is not there.
BAD = {
    "deaf": 'FROM swarm-upload:latest\nENTRYPOINT ["swarm-upload", "--listen", "127.0.0.1:9"]\n',
    "unready": 'FROM swarm-upload:latest\nENTRYPOINT ["swarm-upload", "--database-url", "postgres://nobody@127.0.0.1:9/none"]\n',
}


def latest(engine):
    """swarm-upload:latest and swarm-upload-nginx:latest."""
    build(engine, ROOT, "swarm-upload:latest")
    build(engine, ROOT, "swarm-upload-nginx:latest", "--file", "nginx/Dockerfile")


def next_version(engine):
    """swarm-upload:next and swarm-upload-nginx:next, of the same sources with the next version."""
    folder = Path(tempfile.mkdtemp(prefix="swarm-upload-next."))
    try:
        for name in ("Cargo.toml", "Cargo.lock", "build.rs", "Dockerfile", ".dockerignore", "migrations", "nginx", "src"):
            copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy2
            copy(ROOT / name, folder / name)
        for name in ("Cargo.toml", "Cargo.lock"):
            text = (folder / name).read_text()
            own = f'name = "swarm-upload"\nversion = "{VERSION}"'
            (folder / name).write_text(text.replace(own, own.replace(VERSION, NEXT_VERSION)))
        build(engine, folder, "swarm-upload:next", "--build-arg", "GIT_REVISION=next")
        build(engine, folder, "swarm-upload-nginx:next", "--file", "nginx/Dockerfile", "--build-arg", "VERSION=next")
    finally:
        shutil.rmtree(folder)


def bad(engine):
    """swarm-upload:deaf and swarm-upload:unready."""
    for tag, dockerfile in BAD.items():
        engine.run("build", "--quiet", "--tag", f"swarm-upload:{tag}", "-", input=dockerfile, timeout=300)


def build(engine, folder, tag, *options):
    done = subprocess.run(
        ["docker", "build", "--tag", tag, *options, "."], cwd=folder, env=engine.environment, text=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=1800)
    if done.returncode != 0:
        raise Failed(f"{tag} cannot be built:\n{done.stdout[-4000:]}")
