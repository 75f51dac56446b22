"""Tests the stack on three nodes: three engines on this machine, with a network between them whose links are cut."""

import argparse
import functools
import signal
import subprocess
import sys

import builds
import images
import kernel
from cases import nodes as cases
from daemon import OwnEngine
from engine import Failed
from nodes import Nodes
from run import find_engine, report, run, say
from stack import Stack

CASES = [
    cases.each_service_is_spread_over_the_nodes,
    cases.what_is_uploaded_through_one_node_is_read_through_another,
    cases.uploads_outlive_a_worker_whose_link_is_cut,
    cases.uploads_outlive_a_worker_that_loses_power,
]


def main():
    argparse.ArgumentParser(description=__doc__).parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    builder = find_engine()
    nodes, stand_ins, passed, failed = None, [], 0, 1
    try:
        images.prepare(builder, say, stand_ins)
        builds.latest(builder)
        named = images.names()
        nodes = Nodes(builder, [
            "swarm-upload:latest", "swarm-upload-nginx:latest", images.PYTHON, named["postgres"], named["portainer"]])
        say(nodes.manager.read("node", "ls"))
        stack = Stack(nodes.manager, {**kernel.encryption(), "NGINX_REPLICAS": "3"})
        say(stack.script("scripts/deploy-swarm.sh", "--no-build"))
        passed, failed = run([named_after(case, nodes) for case in CASES], stack)
    except (Failed, subprocess.TimeoutExpired) as error:
        say(f"FAILED {error}")
    finally:
        if nodes:
            nodes.stop()
        # The stack was on the nodes; of the builder nothing is taken but what was put there.
        if isinstance(builder, OwnEngine):
            builder.stop()
        else:
            builder.run("image", "rm", *stand_ins, check=False)
    return report(passed, failed)


def named_after(case, nodes):
    return functools.wraps(case)(functools.partial(case, nodes))


if __name__ == "__main__":
    sys.exit(main())
