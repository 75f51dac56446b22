"""What is wrong with the benchmark itself, or with what it needs, and so says nothing of the server that is measured."""

import sys
from contextlib import contextmanager


class Fault(Exception):
    """Nothing is measured any more once there is one."""


@contextmanager
def told():
    """Ends the program with what is wrong, instead of where."""
    try:
        yield
    except Fault as fault:
        sys.exit(f"bench: {fault}")
