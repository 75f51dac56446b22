"""Docker engines of the test's own, on fresh folders."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from engine import Engine, Failed
from processes import descendants, naming

# Where Portainer's service mounts the engine's socket from.
STANDARD_SOCKET = "/var/run/docker.sock"
# What the folder of a test's own engine is called.
PREFIX = "swarm-upload-e2e."


class Daemon(Engine):
    """A `dockerd` with all its files in one folder."""

    def __init__(self, folder):
        self.folder = Path(folder)
        super().__init__(f"unix://{self.folder}/docker.sock")
        self.process = None

    def options(self, second_socket):
        return ["--data-root", f"{self.folder}/data", "--exec-root", f"{self.folder}/exec", "--pidfile", f"{self.folder}/pid",
                "--host", f"unix://{self.folder}/docker.sock", "--host", f"unix://{second_socket}"]

    def launch(self, *command):
        """Starts it by this command, and waits until it answers."""
        log = self.folder / "log"
        with open(log, "w") as output:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True)
        deadline = time.monotonic() + 60
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise Failed(f"dockerd does not start:\n{log.read_text()[-2000:]}")
            time.sleep(0.2)

    def processes(self):
        """The daemon and all that lives below it: containerd, its shims, and the containers' processes."""
        # Shims are nobody's children, but name their folder.
        return descendants(naming(f"{self.folder}/exec"))

    def kill(self):
        """Kills the daemon and every container at once."""
        deadline = time.monotonic() + 10
        while (left := self.processes()) and time.monotonic() < deadline:
            for pid in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.1)
        self.process.wait()

    def end(self):
        """Ends the daemon and its containers, if need be by force."""
        if not self.process:
            return
        if self.process.poll() is None:
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(60)
        self.kill()


class OwnEngine(Daemon):
    """An engine for this machine, where none runs. Everything it makes is gone when it is stopped."""

    def __init__(self):
        if listens(STANDARD_SOCKET):
            raise Failed(f"an engine listens at {STANDARD_SOCKET}, but the one that \"docker\" is told to ask (DOCKER_HOST, "
                         "\"docker context ls\") does not answer. Unset DOCKER_HOST, or end the engine that listens")
        remove_those_of_killed_tests()
        super().__init__(tempfile.mkdtemp(prefix=PREFIX))
        self.rules = saved_rules()
        try:
            self.launch("dockerd", *self.options(STANDARD_SOCKET))
        except BaseException:
            self.stop()
            raise

    def stop(self):
        """Ends the daemon and its containers, and removes its files, its network devices and its rules for packets."""
        self.end()
        for program, rules in self.rules.items():
            subprocess.run([f"{program}-restore"], input=rules, check=False)
        remove(self.folder)
        for device in ("docker0", "docker_gwbridge"):
            subprocess.run(["ip", "link", "delete", device], check=False, capture_output=True)


def remove_those_of_killed_tests():
    """A network namespace that such a test has left keeps the number of a VXLAN, and no network with that number could be made."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        if not naming(f"{folder}/"):
            remove(folder)


def remove(folder):
    """Removes an engine's files, and what of it is mounted there."""
    mounts = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
    for mount in reversed([mount for mount in mounts if mount.startswith(f"{folder}/")]):
        subprocess.run(["umount", "--lazy", mount], check=False)
    shutil.rmtree(folder, ignore_errors=True)


def listens(path):
    with socket.socket(socket.AF_UNIX) as client:
        return client.connect_ex(path) == 0


def saved_rules():
    """What `iptables-restore` and `ip6tables-restore` need to bring the tables back that Docker writes to. Each is saved by its
    name: of a machine without rules a plain save is empty, and to restore that leaves Docker's rules where they are."""
    def save(program, table):
        return subprocess.run([f"{program}-save", "-t", table], capture_output=True, check=False).stdout
    return {program: b"".join(save(program, table) for table in ("filter", "nat", "mangle", "raw"))
            for program in ("iptables", "ip6tables")}
