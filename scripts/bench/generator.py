"""Calls the program that sends the load (load/)."""

import json
import subprocess

from fault import Fault
from places import LOAD

PATIENCE = 900


def load(*words):
    """Returns what it says of its requests."""
    done = subprocess.run([LOAD, *map(str, words)], capture_output=True, text=True, timeout=PATIENCE)
    if done.returncode or not done.stdout:
        raise Fault(f"load {words[0]} failed: {done.stderr[-500:]}")
    return json.loads(done.stdout)
