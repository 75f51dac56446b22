"""What the nginx and the frontends of the stack logged."""

import collections
import re

from stack import NAME

LINE = re.compile(r" request_id=(e2e-[0-9a-f]+) upstream=(.*)$")
BUSY = re.compile(r" ([0-9.]+)s received=.* frontend=([0-9a-f]{12}) .* request_id=(e2e-[0-9a-f]+) ")


def answered(engine):
    """The ids of the requests that the running frontends of this engine have ended, well or not. One that stands in no log of a
    frontend alive reached none."""
    ids = set()
    for container in engine.containers_of(f"{NAME}_frontend"):
        ids.update(re.findall(r" request_id=(e2e-[0-9a-f]+)$", engine.run("logs", container).stderr, re.M))
    return ids


def upstreams(engine):
    """Which frontends each request of the load went to, as the running nginx of this engine say: {request id: addresses}."""
    found = {}
    for container in engine.containers_of(f"{NAME}_nginx"):
        for line in engine.run("logs", container).stdout.splitlines():
            if match := LINE.search(line):
                found[match.group(1)] = re.findall(r"([0-9.]+):8000", match.group(2))
    return found


def seconds_with(engine, request_ids):
    """How long each frontend was busy with these requests of the load, as the running nginx of this engine say."""
    seconds = collections.Counter()
    for container in engine.containers_of(f"{NAME}_nginx"):
        for line in engine.run("logs", container).stdout.splitlines():
            if (match := BUSY.search(line)) and match.group(3) in request_ids:
                seconds[match.group(2)] += float(match.group(1))
    return seconds
