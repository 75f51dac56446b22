"""The load (load.py) in a container beside the stack, and what its clients wrote down."""

import collections
import json
import shutil
import tempfile
from pathlib import Path

import images
from engine import Failed

HERE = Path(__file__).resolve().parent


KINDS = {"info", "version", "put", "slow put", "tus", "slow tus", "download", "slow download", "delete", "watch"}


class Traffic:
    """Runs from when it is made until `stop`. Use as a context manager: it is taken away also after a failure."""

    def __init__(self, stack, *options, kinds=KINDS, network="app_network"):
        self.stack, self.kinds = stack, kinds
        self.folder = Path(tempfile.mkdtemp(prefix="swarm-upload-load."))
        self.container = None
        try:
            self.container = stack.engine.read(
                "run", "--detach", "--network", network, "--volume", f"{HERE}/load.py:/load.py:ro",
                "--volume", f"{self.folder}:/out", images.PYTHON,
                "python3", "/load.py", "--out", "/out/outcomes", *options)
        except BaseException:
            self.close()
            raise

    def wait_for_each_kind(self):
        self.stack.until(
            "each kind of client has ended a request", 90, lambda: self.kinds <= {each["kind"] for each in self.read()})

    def __enter__(self):
        try:
            self.wait_for_each_kind()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        if self.container:
            self.stack.engine.run("rm", "--force", self.container, check=False)
        shutil.rmtree(self.folder, ignore_errors=True)

    def wait_for_more(self, count):
        """Until so many more requests and uploads have ended."""
        since = len(self.read())
        self.stack.until(f"{count} more outcomes", 120, lambda: len(self.read()) >= since + count)

    def read(self):
        """The outcomes up to now."""
        text = (self.folder / "outcomes").read_text() if (self.folder / "outcomes").exists() else ""
        return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]

    def stop(self):
        """Lets every client finish, reads back what is kept, and returns all outcomes."""
        self.stack.engine.run("kill", "--signal", "TERM", self.container)
        status = self.stack.engine.read("wait", self.container, timeout=400)
        if status != "0":
            raise Failed(f"the load ended with {status}:\n{self.stack.engine.run('logs', self.container).stderr}")
        return self.read()


def curl(stack, *arguments):
    """What curl prints, asked beside the stack; an answer of 400 or more is an error."""
    return stack.engine.read("run", "--rm", "--network", "app_network", images.PYTHON, "curl", "-fsS", *arguments)


def failures(outcomes):
    return [each for each in outcomes if not each["ok"]]


def resumes(outcomes):
    return [resume for each in outcomes for resume in each.get("resumes", [])]


def assert_nothing_failed(outcomes):
    """Also no request of a resumable upload, of which its client would have made nothing."""
    assert not failures(outcomes), show(failures(outcomes))
    assert not resumes(outcomes), show([each for each in outcomes if each.get("resumes")])


def summary(outcomes):
    """One line: how many of each kind, failures, and how often tus clients went on after a request that failed."""
    kinds = collections.Counter(each["kind"] for each in outcomes)
    parts = [f"{count} {kind}" for kind, count in kinds.most_common()]
    return (f"{len(outcomes)} requests and uploads ({', '.join(parts)}), {len(failures(outcomes))} failed, "
            f"{len(resumes(outcomes))} resumes")


def show(outcomes):
    """The first of these outcomes, for a message."""
    return "\n".join(json.dumps(each) for each in outcomes[:8])
