"""Three Docker engines on one machine, each a node with a network of its own: real VXLAN between them, links that can be cut."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from engine import Engine, Failed, descendants

BRIDGE, NET = "swarmupload0", "10.77.0"
NUMBERS = (1, 2, 3)
FORWARD = ["FORWARD", "-i", BRIDGE, "-o", BRIDGE, "-j", "ACCEPT"]

# A /run of its own, so that the daemons do not meet there, and Portainer finds its node's socket; a resolver that fails at
# once, since no registry is asked.
NODE = """
set -e
hostname {name}
mount --bind {folder}/resolv.conf /etc/resolv.conf
exec nsenter --net=/run/netns/{name} sh -ec '
    mount -t tmpfs tmpfs /run
    exec dockerd --bridge none --data-root {folder}/data --exec-root {folder}/exec --pidfile {folder}/pid \
        --host unix://{folder}/docker.sock --host unix:///run/docker.sock'
"""


def command(*arguments, check=True):
    done = subprocess.run([str(part) for part in arguments], text=True, capture_output=True)
    if check and done.returncode != 0:
        raise Failed(f"{' '.join(map(str, arguments))}: {done.stderr}")
    return done


class Node(Engine):
    def __init__(self, number, folder):
        self.number, self.name, self.address = number, f"swarmupload{number}", f"{NET}.{number}"
        self.folder = folder / str(number)
        super().__init__(f"unix://{self.folder}/docker.sock")
        self.daemon = None

    def plug_in(self):
        """A network namespace with one end of a cable; the other end is in the bridge."""
        command("ip", "netns", "add", self.name)
        command("ip", "link", "add", self.cable, "type", "veth", "peer", "name", "eth0", "netns", self.name)
        command("ip", "link", "set", self.cable, "master", BRIDGE, "up")
        command("ip", "-n", self.name, "addr", "add", f"{self.address}/24", "dev", "eth0")
        for device in ("eth0", "lo"):
            command("ip", "-n", self.name, "link", "set", device, "up")
        command("ip", "-n", self.name, "route", "add", "default", "via", f"{NET}.254")

    @property
    def cable(self):
        return f"swup{self.number}"

    def start(self):
        self.folder.mkdir(parents=True)
        (self.folder / "resolv.conf").write_text("nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
        with open(self.folder / "log", "w") as log:
            self.daemon = subprocess.Popen(
                ["unshare", "--uts", "--mount", "sh", "-c", NODE.format(name=self.name, folder=self.folder)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        deadline = time.monotonic() + 60
        while not self.answers():
            if self.daemon.poll() is not None or time.monotonic() > deadline:
                raise Failed(f"{self.name} does not start:\n{(self.folder / 'log').read_text()[-2000:]}")
            time.sleep(0.2)

    def cut(self):
        command("ip", "link", "set", self.cable, "down")

    def mend(self):
        command("ip", "link", "set", self.cable, "up")

    def processes(self):
        """The daemon and all that lives below it: containerd, its shims, and the containers' processes."""
        # Shims are nobody's children, but name their folder.
        running = (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())
        return descendants({self.daemon.pid, *(pid for pid in running if str(self.folder / "exec") in command_line(pid))})

    def lose_power(self):
        """Kills the daemon and every container at once."""
        for pid in self.processes():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        self.daemon.wait()

    def stop(self):
        if self.daemon and self.daemon.poll() is None:
            self.daemon.terminate()
            try:
                self.daemon.wait(60)
            except subprocess.TimeoutExpired:
                pass
        if self.daemon:
            self.lose_power()
        command("ip", "netns", "delete", self.name, check=False)
        command("ip", "link", "delete", self.cable, check=False)


def command_line(pid):
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").replace("\0", " ")
    except (FileNotFoundError, ProcessLookupError):
        return ""


class Nodes:
    """A manager and two workers in one swarm, with the given images of another engine."""

    def __init__(self, source, images):
        self.folder = Path(tempfile.mkdtemp(prefix="swarm-upload-nodes."))
        self.nodes = [Node(number, self.folder) for number in NUMBERS]
        self.manager = self.nodes[0]
        try:
            command("ip", "link", "add", BRIDGE, "type", "bridge")
            command("ip", "addr", "add", f"{NET}.254/24", "dev", BRIDGE)
            command("ip", "link", "set", BRIDGE, "up")
            command("iptables", "-I", *FORWARD)
            for node in self.nodes:
                node.plug_in()
                node.start()
            self.fill(source, images)
            self.join()
        except BaseException:
            self.stop()
            raise

    def fill(self, source, images):
        archive = self.folder / "images.tar"
        source.run("save", "--output", archive, *images, timeout=600)
        for node in self.nodes:
            node.run("load", "--quiet", "--input", archive, timeout=600)
        archive.unlink()

    def join(self):
        self.manager.run(
            "swarm", "init", "--advertise-addr", self.manager.address, "--listen-addr", f"{self.manager.address}:2377")
        token = self.manager.read("swarm", "join-token", "--quiet", "worker")
        for node in self.nodes[1:]:
            node.run("swarm", "join", "--token", token, f"{self.manager.address}:2377")

    def stop(self):
        for node in self.nodes:
            node.stop()
        command("iptables", "-D", *FORWARD, check=False)
        command("ip", "link", "delete", BRIDGE, check=False)
        mounts = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
        for mount in reversed([mount for mount in mounts if mount.startswith(f"{self.folder}/")]):
            command("umount", "--lazy", mount, check=False)
        shutil.rmtree(self.folder, ignore_errors=True)
