#!/usr/bin/env python3
"""Uploads that are cut again and again, one after another through one chain: how many of them are right, byte for byte. Each is
stored, read back, compared and removed. Exits with 1 if one is not what was sent."""

import argparse
import os
import random
import shutil
import statistics
import sys

import peers
import resuming
import run
import workload
from fault import Fault, told
from places import WORK
from server import Server
from workload import MIB


def change(file):
    """A MiB of every eight is another one, so that neither the whole nor what comes after a cut is what was stored before."""
    with open(file, "r+b") as source:
        for begin in range(0, file.stat().st_size, 8 * MIB):
            source.seek(begin + random.randrange(8) * MIB)
            source.write(os.urandom(MIB))


def remove(server, path):
    answer = server.ask("DELETE", path, {"Tus-Resumable": "1.0.0"})
    if answer.status != 204:
        raise RuntimeError(f"DELETE {path}: {answer.status}")


def one(server, file, cut):
    change(file)
    try:
        sent = resuming.send_resumable(server, file, cut)
        sent["right"] = resuming.digest(sent["path"]) == resuming.file_digest(file)
        remove(server, sent["path"])
        return sent
    except Fault:
        raise
    except Exception as problem:
        # An upload that fails is a result, too.
        return {"right": False, "problem": f"{type(problem).__name__}: {problem}"}


def show(found, work):
    """Returns whether all are right."""
    right = [sent for sent in found if sent["right"]]
    print(f"{len(right)} of {len(found)} uploads of {work.resumed // MIB} MiB that were cut every {work.cut // MIB} MiB are right.")
    if right:
        cuts, retries = (sum(sent[what] for sent in right) for what in ("cuts", "retries"))
        seconds = sorted(sent["seconds"] for sent in right)
        print(f"{cuts} cuts, {retries} retries, {statistics.median(seconds):.1f} s each ({seconds[0]:.1f} to {seconds[-1]:.1f}).")
    return len(right) == len(found)


def measure(work, count):
    file, found = resuming.source("often"), []
    try:
        with Server(peers.BY_NAME["swarm-upload"]) as server:
            resuming.make(file, work.resumed)
            for number in range(count):
                found.append(one(server, file, work.cut))
                print(f"{number + 1}: {found[-1]}", file=sys.stderr, flush=True)
        return found
    finally:
        shutil.rmtree(WORK / "data", ignore_errors=True)
        file.unlink(missing_ok=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=run.positive)
    parser.add_argument("--quick", action="store_true")
    run.check_only(parser)
    given = parser.parse_args()
    if given.check:
        return
    work = workload.QUICK if given.quick else workload.FULL
    run.end_in_order()
    with told(), run.alone():
        found = measure(work, given.runs or (3 if given.quick else 100))
    if not show(found, work):
        sys.exit(1)


if __name__ == "__main__":
    main()
