#!/usr/bin/env python3
"""How the chain scales: the same bytes through 1 to 8 backends, as 1 to 1,000 uploads at once. Writes the figures as JSON, and
draws them (curve.py)."""

import argparse
import json
import os
import shutil
import statistics
import sys
from pathlib import Path

import curve
import peers
import postgres
import run
import scenarios
import table
from fault import told
from measuring import measured, pages_for, per_gib
from places import PROJECT, WORK
from server import Server
from workload import GIB, MIB

BACKENDS = (1, 2, 4, 8)
CLIENTS = (1, 10, 100, 1000)
TOTAL = GIB
FIELDS = ("mb_per_s", "cpu_s_per_gib", "program_pss_mib")


def measure(backends, clients, total):
    with Server(peers.BY_NAME["swarm-upload"], {"BACKENDS": str(backends)}) as server:
        size = total // clients

        def send():
            return server.upload(clients, clients, size, scenarios.next_ids(clients))

        # Once before, so that all connections to the database are there, with their plans, as in a service that runs.
        first = send()
        result = measured(server, send, warm=pages_for(total))
        result["failures"] += first["failures"]
        result["problem"] = result["problem"] or first["problem"]
    kept = ("ok", "failures", "bytes", "mb_per_s", "cpu_s", "p99_ms", "peak_pss_mib", "program_pss_mib", "program_rss_mib", "other_cores", "cpu")
    result = per_gib({field: result[field] for field in kept if field in result} | {"problem": result["problem"]})
    return {"backends": backends, "clients": clients, **result}


def measure_all(runs, backends, clients, total):
    results = []
    try:
        for _ in range(runs):
            for count in clients:
                for replicas in backends:
                    results.append(measure(replicas, count, total))
                    print(json.dumps(results[-1]), file=sys.stderr, flush=True)
        return results
    finally:
        shutil.rmtree(WORK / "data", ignore_errors=True)


def medians(results):
    """One point for each number of backends and clients, out of the runs that did not fail. Failures are added up."""
    points = []
    for backends, clients in sorted({(result["backends"], result["clients"]) for result in results}):
        found = [result for result in results if (result["backends"], result["clients"]) == (backends, clients)]
        point = {"backends": backends, "clients": clients, "failures": sum(result["failures"] for result in found)}
        for field in FIELDS:
            good = [result[field] for result in found if not result["failures"]]
            point[field] = round(statistics.median(good), 3) if good else None
        points.append(point)
    return points


def show(points):
    print("| backends | uploads at once | MB/s | CPU s/GiB | program's MiB | failures |\n|---|---|---|---|---|---|")
    for point in points:
        cells = [table.cell(field, [point[field]] if point[field] is not None else []) for field in FIELDS]
        print(f"| {point['backends']} | {point['clients']:,} | {' | '.join(cells)} | {point['failures']} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=run.positive)
    parser.add_argument("--quick", action="store_true", help="64 MiB, and up to 2 backends and 10 uploads")
    parser.add_argument("--json", type=Path, default=None, help="where the figures go (target/bench/scale.json)")
    parser.add_argument("--svg", type=Path, default=None, help="where they are drawn (docs/images/scale.svg; --quick: target/bench)")
    run.check_only(parser)
    given = parser.parse_args()
    if given.check:
        return
    given.runs = given.runs or (1 if given.quick else 3)
    total, backends, clients = (64 * MIB, BACKENDS[:2], CLIENTS[:2]) if given.quick else (TOTAL, BACKENDS, CLIENTS)
    file = given.json or WORK / ("scale-quick.json" if given.quick else "scale.json")
    svg = given.svg or (WORK / "scale-quick.svg" if given.quick else PROJECT / "docs/images/scale.svg")
    run.end_in_order()
    with told(), run.alone():
        results = measure_all(given.runs, backends, clients, total)
    postgres.stop()
    points = medians(results)
    file.write_text(json.dumps({**run.about_machine(), "bytes": total, "runs": given.runs, "points": points, "results": results}, indent=1))
    show(points)
    print(f"\nKept in {os.path.relpath(file)}.")
    with told():
        svg.write_text(curve.draw(points, total))
    print(f"Drawn in {os.path.relpath(svg)}.")


if __name__ == "__main__":
    main()
