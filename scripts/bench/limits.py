#!/usr/bin/env python3
"""The limits of this machine, which no server can pass: digests, the disk, loopback, PostgreSQL. Prints them as Markdown."""

import argparse
import json
import os
import re
import resource
import shutil
import subprocess
import time
from pathlib import Path

import postgres
import run
import table
from fault import Fault, told
from generator import flawless, listening
from measuring import touch_memory
from places import PORT, WORK
from server import KEPT
from workload import GIB, KIB, MIB

FOLDER = WORK / "limits"
# In memory, so that reading it costs next to nothing.
SOURCE = Path("/dev/shm/swarm-upload-bench.bin")


def make_source():
    filesystem = os.statvfs(SOURCE.parent)
    if filesystem.f_bavail * filesystem.f_frsize < GIB:
        raise Fault(f"{SOURCE.parent} has no room for 1 GiB, which digests are computed of")
    with open(SOURCE, "wb") as file:
        for _ in range(GIB // MIB):
            file.write(os.urandom(MIB))


def timed(call):
    """What `call` returns, how long it took, and the CPU of the processes that it has waited for."""
    def cpu():
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return used.ru_utime + used.ru_stime
    begun, before = time.perf_counter(), cpu()
    returned = call()
    return returned, time.perf_counter() - begun, cpu() - before


def digest(*command):
    def limit():
        _, seconds, used = timed(lambda: subprocess.run([*command, SOURCE], check=True, stdout=subprocess.DEVNULL))
        return {"MB/s": GIB / 1e6 / seconds, "CPU s/GiB": used}
    return limit


def large(count, size, clients, sync):
    """Large files, in MB/s."""
    def limit():
        shutil.rmtree(FOLDER, ignore_errors=True)
        touch_memory(2 * GIB)
        os.sync()
        outcome, _, used = timed(lambda: write(count, size, clients, sync))
        _, after, _ = timed(os.sync)
        return {"MB/s": outcome["mb_per_s"], "CPU s/GiB": used * GIB / outcome["bytes"], "sync after s": after}
    return limit


def small(count, clients, sync):
    """Files of 4 KiB. They stay until the end: see KEPT."""
    def limit():
        os.sync()
        outcome, _, used = timed(lambda: write(count, 4 * KIB, clients, sync))
        return {"files/s": outcome["per_s"], "CPU µs": 1e6 * used / count, "p50 ms": outcome["p50_ms"], "p99 ms": outcome["p99_ms"]}
    return limit


def write(count, size, clients, sync):
    folder = FOLDER if size >= MIB else KEPT / str(time.time_ns())
    return flawless("disk", "--folder", folder, "--count", count, "--size", size, "--clients", clients, "--sync", sync)


def sink(*words):
    """A server that does nothing, with this load."""
    def limit():
        with listening("sink", PORT):
            outcome = flawless(*words, "--url", f"http://127.0.0.1:{PORT}/")
        if outcome["ok"] == 1:
            return {"MB/s": outcome["mb_per_s"], "CPU s/GiB of the load": outcome["load_cpu_s"] * GIB / outcome["bytes"]}
        return {"requests/s": outcome["per_s"], "CPU µs of the load": 1e6 * outcome["load_cpu_s"] / outcome["ok"]}
    return limit


def commits(clients):
    """Rows as servers note them, each committed before the next."""
    def limit():
        postgres.empty()
        postgres.query("CREATE TABLE noted (id bigserial PRIMARY KEY, name text, size bigint, sha256 text, at timestamptz DEFAULT now())")
        script = FOLDER.with_suffix(".sql")
        script.write_text(f"INSERT INTO noted (name, size, sha256) VALUES ('bench-1.bin', 4096, '{64 * '0'}');\n")
        command = ["pgbench", "--no-vacuum", "--protocol", "prepared", "--file", script, "--client", str(clients), "--time", "4"]
        command[0] = f"{postgres.programs()}/pgbench"
        said = subprocess.run(command, env=postgres.environment(), check=True, capture_output=True, text=True).stdout
        return {"commits/s": float(re.search(r"tps = ([\d.]+)", said)[1]), "ms": float(re.search(r"latency average = ([\d.]+)", said)[1])}
    return limit


LIMITS = {
    "SHA-256, openssl": digest("openssl", "dgst", "-sha256"),
    "SHA-256, coreutils": digest("sha256sum"),
    "write 1 GiB": large(1, GIB, 1, "none"),
    "write 1 GiB, fdatasync": large(1, GIB, 1, "data"),
    "write 200 x 4 MiB, 16 threads": large(200, 4 * MIB, 16, "none"),
    "write 200 x 4 MiB, 16 threads, fdatasync": large(200, 4 * MIB, 16, "data"),
    "write 2,000 x 4 KiB, 16 threads": small(2000, 16, "none"),
    "write 2,000 x 4 KiB, 16 threads, fdatasync": small(2000, 16, "data"),
    "write 2,000 x 4 KiB, 16 threads, fsync, and the folder": small(2000, 16, "folder"),
    "write 500 x 4 KiB, 1 thread, fdatasync": small(500, 1, "data"),
    "loopback, PUT of 1 GiB": sink("upload", "--by", "put", "--size", GIB),
    "loopback, GET, 32 connections": sink("get", "--clients", 32, "--seconds", 3),
    "loopback, PUT of 4 KiB, 16 connections": sink("upload", "--by", "put", "--size", 4 * KIB, "--clients", 16, "--count", 40000),
    "PostgreSQL, commits of a row, 1 client": commits(1),
    "PostgreSQL, commits of a row, 16 clients": commits(16),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=run.positive, default=3)
    parser.add_argument("--only", default="", metavar="WORD", help="only those with this in their name")
    run.check_only(parser)
    given = parser.parse_args()
    if given.check:
        return
    names = [name for name in LIMITS if given.only in name]
    found = {name: [] for name in names}
    run.end_in_order()
    with told(), run.alone():
        try:
            make_source()
            for _ in range(given.runs):
                for name in names:
                    found[name].append(LIMITS[name]())
        finally:
            SOURCE.unlink(missing_ok=True)
            for folder in (FOLDER, KEPT):
                shutil.rmtree(folder, ignore_errors=True)
    with open(WORK / "limits.json", "w") as file:
        json.dump({**run.about_machine(), "limits": found}, file, indent=1)
    print("| limit | " + f"median (smallest to largest) of {given.runs} |\n|---|---|")
    for name, results in found.items():
        cells = [f"{field} {table.cell(field, [result[field] for result in results])}" for field in results[0]]
        print(f"| {name} | {'; '.join(cells)} |")


if __name__ == "__main__":
    main()
