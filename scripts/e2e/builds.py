"""The images of the program: the latest, the next version, and bad ones."""

import re
import shutil
import tempfile
from pathlib import Path

from project import ROOT

VERSION = re.search(r'^version = "(.+)"$', (ROOT / "Cargo.toml").read_text(), re.M).group(1)
NEXT_VERSION = re.sub(r"\d+$", lambda last: str(int(last.group()) + 1), VERSION)

NEXT = ["swarm-upload:next", "swarm-upload-nginx:next"]
# Alive, but where nobody asks; and alive, but with a database that is not there.
BAD = {
    "swarm-upload:deaf": 'FROM swarm-upload:latest\nENTRYPOINT ["swarm-upload", "--listen", "127.0.0.1:9"]\n',
    "swarm-upload:unready":
        'FROM swarm-upload:latest\nENTRYPOINT ["swarm-upload", "--database-url", "postgres://nobody@127.0.0.1:9/none"]\n',
    "swarm-upload-nginx:deaf":
        "FROM swarm-upload-nginx:latest\nUSER root\nRUN sed -i 's/listen 8080/listen 9/' /etc/nginx/nginx.conf\nUSER nginx\n",
}


def latest(engine):
    """swarm-upload:latest and swarm-upload-nginx:latest."""
    build(engine, ROOT, "swarm-upload:latest")
    build(engine, ROOT, "swarm-upload-nginx:latest", "--file", "nginx/Dockerfile")


def next_version(engine):
    """The images NEXT, of the same sources with the next version."""
    folder = Path(tempfile.mkdtemp(prefix="swarm-upload-next."))
    app, edge = NEXT
    try:
        for name in ("Cargo.toml", "Cargo.lock", "build.rs", "Dockerfile", ".dockerignore", "migrations", "nginx", "src"):
            copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy2
            copy(ROOT / name, folder / name)
        for name in ("Cargo.toml", "Cargo.lock"):
            text = (folder / name).read_text()
            own = f'name = "swarm-upload"\nversion = "{VERSION}"'
            (folder / name).write_text(text.replace(own, own.replace(VERSION, NEXT_VERSION)))
        build(engine, folder, app, "--build-arg", "GIT_REVISION=next")
        build(engine, folder, edge, "--file", "nginx/Dockerfile", "--build-arg", "VERSION=next")
    finally:
        shutil.rmtree(folder)


def bad(engine):
    """The images BAD."""
    for name, dockerfile in BAD.items():
        engine.run("build", "--quiet", "--tag", name, "-", input=dockerfile, timeout=300)


def build(engine, folder, name, *options):
    engine.run("build", "--tag", name, *options, ".", cwd=folder, timeout=1800)
