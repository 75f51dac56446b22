#!/usr/bin/env python3
"""Measures upload servers side by side; scripts/bench.sh installs what this needs and calls it."""

import argparse
import datetime
import fcntl
import json
import os
import platform
import shutil
import signal
import subprocess
import sys

import peers
import resuming
import scenarios
import table
import workload
from fault import Fault, told
from places import CLIENT, PROJECT, WORK
from server import KEPT, Server


def options():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peers", type=lambda text: chosen(text, peers.BY_NAME), default=list(peers.BY_NAME))
    parser.add_argument("--scenarios", type=lambda text: chosen(text, scenarios.ALL), default=list(scenarios.ALL))
    parser.add_argument("--runs", type=positive)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--results")
    parser.add_argument("--table", action="store_true")
    check_only(parser)
    given = parser.parse_args()
    given.runs = given.runs or (1 if given.quick else 3)
    given.work = workload.QUICK if given.quick else workload.FULL
    given.results = given.results or WORK / ("quick.jsonl" if given.quick else "results.jsonl")
    return given


def positive(text):
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text}: not a number from 1 on")
    return int(text)


def check_only(parser):
    parser.add_argument("--check", action="store_true", help="only say whether the options are right")


def chosen(text, known):
    """The names in a list with commas, in their order there."""
    names = text.split(",")
    if unknown := [name for name in names if name not in known]:
        raise argparse.ArgumentTypeError(f"{', '.join(unknown)}: not one of {', '.join(known)}")
    return names


def main():
    given = options()
    if given.check:
        return
    if given.table:
        return show(given)
    end_in_order()
    WORK.mkdir(parents=True, exist_ok=True)
    with told(), alone():
        failures = run(given)
    show(given)
    if failures:
        sys.exit(f"bench: measurements that have failed: {failures}")


def end_in_order():
    """On a signal servers are ended on the way out and what lies in memory is removed, also where a shell has started this with
    interrupts ignored. Of a hang-up nohup may know better."""
    signals = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
        signals.append(signal.SIGHUP)

    def leave(number, _):
        # Once: a second one would end the clean-up.
        for one in signals:
            signal.signal(one, signal.SIG_IGN)
        sys.exit(128 + number)
    for number in signals:
        signal.signal(number, leave)


def alone():
    """Two at once would measure each other."""
    lock = open(WORK / "lock", "w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        sys.exit("bench: another run is at work")
    return lock


def show(given):
    """Of a file with both, only what the same workload has found."""
    try:
        found = [result for result in table.read(given.results) if result["workload"] == given.work.name]
    except OSError:
        found = []
    if not found:
        sys.exit(f"bench: there are no results of the {given.work.name} workload in {given.results} yet; with and without --quick they are of different ones")
    print(table.render(found))


def run(given):
    """Returns how many measurements have failed."""
    failures = 0
    known = {**about_machine(), "workload": given.work.name}
    names = []
    for name in given.peers:
        if missing := peers.BY_NAME[name].missing():
            print(f"{name} is left out: there is no {missing}", file=sys.stderr)
        else:
            names.append(name)
    wanted = [name for name in given.scenarios if name != "resume" or CLIENT.exists()]
    if wanted != given.scenarios:
        print(f"resume is left out: there is no {CLIENT}", file=sys.stderr)
    try:
        for number in range(given.runs):
            for scenario in wanted:
                # Side by side and in turning order: what the machine does meanwhile meets all alike.
                turn = number % max(1, len(names))
                for name in names[turn:] + names[:turn]:
                    failures += measure(peers.BY_NAME[name], scenario, given, {**known, "run": number})
        return failures
    finally:
        shutil.rmtree(KEPT, ignore_errors=True)
        shutil.rmtree(WORK / "data", ignore_errors=True)


def measure(peer, scenario, given, known):
    """Returns whether it has failed."""
    if not scenarios.applies(scenario, peer):
        return False
    try:
        with Server(peer) as server:
            result = scenarios.ALL[scenario](server, given.work)
    except Fault:
        raise
    except Exception as problem:
        # A server that fails is a result, too.
        result = {"ok": 0, "failures": 1, "problem": f"{type(problem).__name__}: {problem}"[:400].replace("\n", " ")}
    now = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")
    result = {"peer": peer.name, "scenario": scenario, **known, "date": now, "load_average": os.getloadavg()[0], **result}
    with open(given.results, "a") as file:
        print(json.dumps(result), file=file)
    print(summary(result), file=sys.stderr, flush=True)
    return result["failures"] > 0


def about_machine():
    """What figures have to say of where they come from."""
    revision = subprocess.run(["git", "describe", "--always", "--dirty", "--exclude=*"], cwd=PROJECT, capture_output=True, text=True)
    with open("/proc/cpuinfo") as lines:
        model = next((line.split(": ")[1].strip() for line in lines if line.startswith("model name")), platform.machine())
    commit = revision.stdout.strip() or "unknown"
    if binary := os.environ.get("BENCH_BINARY"):
        commit += f" with a binary of SHA-256 {resuming.file_digest(binary)[:12]}"
    return {"commit": commit, "begun": datetime.datetime.now().isoformat(timespec="seconds"),
            "machine": f"{os.cpu_count()} cores, {model}, Linux {platform.release()}"}


def summary(result):
    columns = table.COLUMNS.get(result["scenario"], [table.FAILURES])
    fields = [field for field, _ in columns] + ["other_cores", "problem"]
    told = ", ".join(f"{field} {result[field]}" for field in fields if result.get(field) not in (None, "", 0))
    return f"{result['date'][11:19]} {result['scenario']:6} {result['peer']:21} {told}"


if __name__ == "__main__":
    main()
