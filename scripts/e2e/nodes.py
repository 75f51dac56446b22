"""Three Docker engines on one machine, each a node with a network of its own: real VXLAN between them, links that can be cut."""

import shlex
import shutil
import subprocess
import tempfile
from pathlib import Path

from daemon import Daemon
from engine import Failed

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
    exec dockerd --bridge none {options}'
"""


def command(*arguments, check=True):
    done = subprocess.run([str(part) for part in arguments], text=True, capture_output=True)
    if check and done.returncode != 0:
        raise Failed(f"{' '.join(map(str, arguments))}: {done.stderr}")
    return done


class Node(Daemon):
    def __init__(self, number, folder):
        super().__init__(folder / str(number))
        self.number, self.name, self.address = number, f"swarmupload{number}", f"{NET}.{number}"
        self.cable = f"swup{number}"

    def plug_in(self):
        """A network namespace with one end of a cable; the other end is in the bridge."""
        command("ip", "netns", "add", self.name)
        command("ip", "link", "add", self.cable, "type", "veth", "peer", "name", "eth0", "netns", self.name)
        command("ip", "link", "set", self.cable, "master", BRIDGE, "up")
        command("ip", "-n", self.name, "addr", "add", f"{self.address}/24", "dev", "eth0")
        for device in ("eth0", "lo"):
            command("ip", "-n", self.name, "link", "set", device, "up")
        command("ip", "-n", self.name, "route", "add", "default", "via", f"{NET}.254")

    def start(self):
        self.folder.mkdir(parents=True)
        (self.folder / "resolv.conf").write_text("nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
        script = NODE.format(name=self.name, folder=self.folder, options=shlex.join(self.options("/run/docker.sock")))
        # Its mounts are gone with its last process, since they are in a namespace of its own.
        self.launch("unshare", "--uts", "--mount", "sh", "-c", script)

    def cut(self):
        command("ip", "link", "set", self.cable, "down")

    def mend(self):
        command("ip", "link", "set", self.cable, "up")

    def stop(self):
        self.end()
        command("ip", "netns", "delete", self.name, check=False)
        command("ip", "link", "delete", self.cable, check=False)


class Nodes:
    """A manager and two workers in one swarm, with the given images of another engine."""

    def __init__(self, source, images):
        # Before all else: where it is there already, everything else of these names is another run's, too.
        command("ip", "link", "add", BRIDGE, "type", "bridge")
        self.folder = Path(tempfile.mkdtemp(prefix="swarm-upload-nodes."))
        self.nodes = [Node(number, self.folder) for number in NUMBERS]
        self.manager = self.nodes[0]
        try:
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
        shutil.rmtree(self.folder, ignore_errors=True)
