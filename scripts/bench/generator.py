"""Calls the program that sends the load (load/)."""

import json
import subprocess
import time
from contextlib import contextmanager

import ports
from fault import Fault
from places import LOAD

PATIENCE = 900
# Seconds until what listens has begun to.
START = 5


def load(*words):
    """Returns what it says of its requests."""
    done = subprocess.run([LOAD, *map(str, words)], capture_output=True, text=True, timeout=PATIENCE)
    if done.returncode or not done.stdout:
        raise Fault(f"load {words[0]} failed: {done.stderr[:500]}")
    return json.loads(done.stdout)


def flawless(*words):
    """Where no server is measured, a failure is none of a server."""
    outcome = load(*words)
    if outcome["failures"]:
        raise Fault(f"load {words[0]} failed {outcome['failures']} times: {outcome['problem']}")
    return outcome


@contextmanager
def listening(word, port, *words):
    """Runs one of its servers beside. Yields a function that ends it, and returns what it has said."""
    if ports.is_taken(port):
        raise Fault(f"somebody else listens on port {port}; BENCH_PORT names another, with some free ones above it")
    server = subprocess.Popen([LOAD, word, "--listen", str(port), *map(str, words)], stderr=subprocess.PIPE, text=True)

    def end():
        server.terminate()
        return server.communicate()[1]
    try:
        begun = time.monotonic()
        while not ports.listens(port):
            if server.poll() is not None or time.monotonic() - begun > START:
                raise Fault(f"load {word} does not start: {end()[:300]}")
            time.sleep(0.01)
        yield end
    finally:
        if server.poll() is None:
            end()
