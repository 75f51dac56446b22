"""Base images for a machine that cannot reach an image registry, made of Debian packages under the names that the
Dockerfiles and the stack file use; where they can be pulled, the real ones are."""

import os
import re
import subprocess
import tarfile
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from engine import Failed
from project import ROOT

HERE = Path(__file__).resolve().parent / "images"
PYTHON = "swarm-upload-e2e-python"


def names():
    """The images that the project's own files name: {what: name}."""
    dockerfile, edge, stack = ((ROOT / name).read_text() for name in ("Dockerfile", "nginx/Dockerfile", "stack.yml"))
    rust = re.search(r"^ARG RUST_VERSION=(\S+)$", dockerfile, re.M).group(1)
    return {
        "rust": f"rust:{rust}-slim-trixie",
        "distroless": re.findall(r"^FROM (\S+)$", dockerfile, re.M)[-1],
        "nginx": re.search(r"^FROM (\S+)$", edge, re.M).group(1),
        "postgres": re.search(r"image: (postgres:\S+)", stack).group(1),
        "portainer": re.search(r"image: (portainer/\S+)", stack).group(1),
        "alpine": "alpine",
    }


def prepare(engine, say, stand_ins):
    """Sees to it that every base image is there. Puts the names of those that are made here into `stand_ins`."""
    wanted = {what: name for what, name in names().items() if not exists(engine, name)}
    unreachable, missing = set(), []
    if not exists(engine, PYTHON):
        stand_ins += [PYTHON, "debian:trixie-slim"] if debian(engine, say) else [PYTHON]
        build(engine, PYTHON, "python")
    for what, name in wanted.items():
        registry = name.split("/")[0] if "." in name.split("/")[0] else "docker.io"
        if registry in unreachable or not pull(engine, name):
            unreachable.add(registry)
            say(f"stand-in for {name}")
            stand_ins.append(name)
            missing.append((name, what))
    # They wait for packages and disks.
    with ThreadPoolExecutor(max_workers=2) as pool:
        list(pool.map(lambda image: build(engine, *image), missing))


def exists(engine, name):
    return engine.run("image", "inspect", name, check=False).returncode == 0


def pull(engine, name):
    """False where no registry can be reached; one that does not have the image is an error of the file that names it."""
    try:
        done = engine.run("pull", "--quiet", name, check=False, timeout=600)
    except subprocess.TimeoutExpired:
        return False
    if done.returncode != 0 and re.search("manifest unknown|manifest for .* not found", done.stderr):
        raise Failed(f"there is no image {name}: {done.stderr}")
    return done.returncode == 0


def debian(engine, say):
    """debian:trixie-slim, by mmdebstrap from the mirror that this machine's own apt uses. Says whether it was made."""
    if exists(engine, "debian:trixie-slim") or pull(engine, "debian:trixie-slim"):
        return False
    say("debian:trixie-slim by mmdebstrap")
    # As in the real one: what is lost in a power cut is made again.
    command = ["mmdebstrap", "--variant=minbase", "--dpkgopt=force-unsafe-io", "trixie", "-", apt_mirror()]
    with tempfile.TemporaryFile("w+") as log:
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log) as made:
            try:
                imported = engine.run("import", "-", stdin=made.stdout, timeout=600, check=False)
            except BaseException:
                # It would be waited for, however long it waits for its mirror.
                made.terminate()
                raise
        log.seek(0)
        if made.returncode != 0 or imported.returncode != 0:
            engine.run("image", "rm", imported.stdout.strip(), check=False)
            raise Failed(f"mmdebstrap ended with {made.returncode}: {log.read()[-4000:]}\n{imported.stderr}")
    # Whole only now.
    engine.run("tag", imported.stdout.strip(), "debian:trixie-slim")
    return True


def apt_mirror():
    """The address that apt has for Debian itself (not its security archive)."""
    for refresh in (False, True):
        if refresh:
            subprocess.run(["apt-get", "update", "-qq"], check=False)
        targets = subprocess.run(
            ["apt-get", "indextargets", "--format", "$(LABEL)|$(REPO_URI)", "Created-By: Packages"],
            text=True, capture_output=True, check=True).stdout
        for line in targets.splitlines():
            label, address = line.split("|")
            if label == "Debian":
                return address
    raise Failed("apt has no source for Debian; run apt-get update, or make the base images available to the engine")


def build(engine, name, what):
    """Builds images/WHAT.Dockerfile with what it copies, sent as a tar stream."""
    docker = subprocess.Popen(
        ["docker", "build", "--quiet", "--tag", name, "-"], env=engine.environment, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    with docker, tarfile.open(fileobj=docker.stdin.buffer, mode="w|", format=tarfile.GNU_FORMAT) as context:
        context.add(HERE / f"{what}.Dockerfile", "Dockerfile")
        for source, target in sources(what):
            context.add(source, target)
        context.close()
        docker.stdin.close()
        output = docker.stdout.read()
    if docker.returncode != 0:
        raise Failed(f"the stand-in for {name}: {output}")


def sources(what):
    """Pairs of a path on this machine and its place in the build's context."""
    if what == "rust":
        sysroot = Path(subprocess.run(
            ["rustc", "--print", "sysroot"], text=True, capture_output=True, check=True, cwd=ROOT).stdout.strip())
        cargo = Path(os.environ.get("CARGO_HOME", Path.home() / ".cargo"))
        return [
            (sysroot / "bin/cargo", "toolchain/bin/cargo"),
            (sysroot / "bin/rustc", "toolchain/bin/rustc"),
            (sysroot / "lib", "toolchain/lib"),
            (HERE / "cargo.toml", "cargo.toml"),
            (cargo / "registry/index", "registry/index"),
            (cargo / "registry/cache", "registry/cache"),
            # For machines whose way to the packages has an authority of its own.
            ("/etc/ssl/certs/ca-certificates.crt", "ca-certificates.crt"),
        ]
    extra = {"postgres": ["docker-ensure-initdb.sh"], "portainer": ["portainer.py"]}
    return [(HERE / name, name) for name in extra.get(what, [])]
