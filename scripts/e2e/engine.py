"""The Docker engine that a test talks to: the one that runs already, or one of its own on fresh folders."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path


# Where Portainer's service mounts the engine's socket from.
STANDARD_SOCKET = "/var/run/docker.sock"


class Failed(Exception):
    """A command did not do what it was asked to; the text holds its output."""


class Engine:
    """Runs `docker` against one engine. `address` is a value for DOCKER_HOST, or None for the default."""

    def __init__(self, address=None):
        self.environment = dict(os.environ)
        if address:
            self.environment["DOCKER_HOST"] = address

    def run(self, *arguments, check=True, timeout=120, **more):
        """A finished process of `docker ARGUMENTS…` with its output as text."""
        command = ["docker", *map(str, arguments)]
        done = subprocess.run(
            command, env=self.environment, text=True, capture_output=True, timeout=timeout, **more)
        if check and done.returncode != 0:
            raise Failed(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done

    def read(self, *arguments, **more):
        """What `docker ARGUMENTS…` prints."""
        return self.run(*arguments, **more).stdout.strip()

    def lines(self, *arguments, **more):
        return self.read(*arguments, **more).splitlines()

    def inspect(self, kind, *names):
        """What the engine knows of containers, services, tasks or nodes: a list in the order of the names."""
        return json.loads(self.read("inspect", "--type", kind, *names)) if names else []

    def answers(self):
        return self.run("version", "--format", "{{.Server.Version}}", check=False).returncode == 0

    def in_swarm(self):
        return self.read("info", "--format", "{{.Swarm.LocalNodeState}}") != "inactive"


def descendants(roots):
    """These processes and all that they started, by what /proc says now."""
    parents, found = {}, set(roots)
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
            except (FileNotFoundError, ProcessLookupError):
                continue
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return found


class OwnEngine(Engine):
    """A `dockerd` of the test's own. Everything it makes is gone when it is stopped."""

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="swarm-upload-e2e."))
        self.socket = self.folder / "docker.sock"
        super().__init__(f"unix://{self.socket}")
        self.log = open(self.folder / "dockerd.log", "w")
        self.rules = subprocess.run(["iptables-save"], capture_output=True, check=True).stdout
        self.process = subprocess.Popen(
            ["dockerd", "--data-root", self.folder / "data", "--exec-root", self.folder / "exec",
             "--pidfile", self.folder / "pid", "--host", f"unix://{self.socket}", "--host", f"unix://{STANDARD_SOCKET}"],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, start_new_session=True)
        try:
            self.wait_until_it_answers()
        except BaseException:
            self.stop()
            raise

    def wait_until_it_answers(self):
        deadline = time.monotonic() + 60
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise Failed(f"dockerd does not start:\n{(self.folder / 'dockerd.log').read_text()[-2000:]}")
            time.sleep(0.2)

    def stop(self):
        """Ends the daemon and its containers, and removes its files and network devices."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                for pid in descendants({self.process.pid}):
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                self.process.wait()
        self.log.close()
        subprocess.run(["iptables-restore"], input=self.rules, check=False)
        mounts = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
        for mount in reversed([mount for mount in mounts if mount.startswith(f"{self.folder}/")]):
            subprocess.run(["umount", "--lazy", mount], check=False)
        shutil.rmtree(self.folder, ignore_errors=True)
        for device in ("docker0", "docker_gwbridge"):
            subprocess.run(["ip", "link", "delete", device], check=False, capture_output=True)
