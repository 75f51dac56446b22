"""Who is measured: an entry for each server.

start      the script under peers/ that runs it
variables  more environment for that
by         how files go in: put, form or tus; or rows, which only the yardstick does
upload     where they go (by PUT: their name is appended)
field      the name of a form's file, `token` the page with the token that protects it
patch      bytes in a PATCH, whole MiB; 0: all in one
download   where a file is, of the outcome of its upload: `at_location` and the like; None if there is no such thing
health     answers 200 once the server is ready
info       answers through the whole chain; None: `info` measures `health`, of a single process or of one behind nginx
database   whether it uses PostgreSQL, whose CPU is then charged too
prepare    whether its script has to be called once with `prepare` before
replica    of the chain, the role of one more replica, whose start is measured instead of the chain's
only       the scenarios that it takes part in; None: all that apply
lists      whether it has the list of `listing.py`
"""

import os
import re
import shutil
from dataclasses import dataclass, field, replace
from typing import Callable, Optional

from places import BIN, WORK


@dataclass(frozen=True)
class Peer:
    name: str
    start: str
    by: str
    health: str
    upload: str = "/"
    variables: dict = field(default_factory=dict)
    field: str = "file"
    token: Optional[str] = None
    patch: int = 0
    download: Optional[Callable] = None
    info: Optional[str] = None
    database: bool = False
    prepare: bool = False
    replica: Optional[str] = None
    only: Optional[tuple] = None
    lists: bool = False
    # A file without which it cannot run.
    needs: Optional[str] = None

    @property
    def chain(self):
        """What `info` goes through."""
        if self.info:
            return "whole"
        return "nginx, single" if self.start == "behind-nginx.sh" else "single"

    @property
    def around(self):
        """Processes that are not the program itself."""
        return {"bash", "sh"} if self.start == "nginx.sh" else {"bash", "sh", "nginx"}

    def missing(self):
        """What it cannot run without, or None."""
        there = self.needs is None or shutil.which(self.needs) or os.path.exists(self.needs)
        return None if there else self.needs

    def like(self, name, **other):
        variables = {**self.variables, **other.pop("variables", {})}
        return replace(self, name=name, variables=variables, **other)


def at_location(_, outcome):
    """A path, of a location which may be a whole URL."""
    return re.sub(r"^http://[^/]+", "", outcome["location"])


def at_content(server, outcome):
    return at_location(server, outcome) + "/content"


def at_name(_, outcome):
    return "/" + outcome["name"]


def at_first_link(server, _):
    return re.search(r'href="(/download/\d+/)"', server.get("/").text)[1]


# A chain starts as its replicas do.
LOADS = ("info", "big", "conc", "small", "down", "resume", "list")
chain = Peer("swarm-upload", "swarm-upload.sh", by="tus", upload="/files/", health="/readyz", info="/frontend-info/",
             download=at_location, database=True, needs=str(BIN), only=LOADS)
floor = Peer("floor", "floor.sh", by="put", health="/health", needs=str(WORK / "floor"))
floor_row = floor.like("floor-row", variables={"FLOOR_ROW": "1"}, database=True)
rustus = Peer("rustus", "rustus.sh", by="tus", upload="/files/", health="/health", download=at_location, patch=8 << 20,
              needs=str(WORK / "cargo/bin/rustus"))
dufs = Peer("dufs", "dufs.sh", by="put", health="/__dufs__/health", download=at_name, needs=str(WORK / "cargo/bin/dufs"))
django = Peer("django", "django.sh", by="form", token="/", health="/health/", info="/frontend-info/", download=at_first_link,
              database=True, prepare=True, needs=str(WORK / "venv/bin/gunicorn"))

ALL = [
    # Ours: nginx, a frontend, two backends and PostgreSQL, files in a folder.
    chain.like("swarm-upload", lists=True),
    chain.like("swarm-upload-put", by="put", upload="/api/uploads/", download=at_content),
    chain.like("swarm-upload-postgres", variables={"STORE": "rows"}),
    chain.like("swarm-upload-direct", variables={"EDGE": "none"}),
    chain.like("swarm-upload-backend", replica="backend", only=("start",)),
    chain.like("swarm-upload-frontend", replica="frontend", only=("start",)),
    # Yardsticks.
    Peer("nginx", "nginx.sh", by="put", health="/health", info="/chain", download=at_name, needs="nginx"),
    floor,
    floor_row,
    floor_row.like("floor-nginx", start="behind-nginx.sh", variables={"INNER": "floor.sh"}),
    floor.like("floor-bare", variables={"FLOOR_BARE": "1"}),
    floor_row.like("floor-rows", by="rows", only=("big",)),
    # Others.
    django,
    django.like("django-threads", variables={"MODE": "threads"}),
    Peer("tusd", "tusd.sh", by="tus", upload="/files/", health="/", download=at_location, needs=os.environ.get("TUSD", "tusd")),
    Peer("tusnode", "tusnode.sh", by="tus", upload="/files", health="/health", download=at_location,
         needs=str(WORK / "npm/node_modules/@tus/server/package.json")),
    rustus,
    rustus.like("rustus-fsync", variables={"FSYNC": "true"}),
    dufs,
    dufs.like("dufs-nginx", start="behind-nginx.sh", variables={"INNER": "dufs.sh"}),
    Peer("miniserve", "miniserve.sh", by="form", upload="/upload?path=/", field="path", download=at_name,
         health="/__miniserve_internal/healthcheck", needs=str(WORK / "cargo/bin/miniserve")),
]
BY_NAME = {peer.name: peer for peer in ALL}
