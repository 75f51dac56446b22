"""What is measured. Each scenario gets a fresh server and a workload, and returns a result."""

import os
import signal
import time

import listing
import processes
import resuming
from generator import load
from measuring import measured, pages_for, per_gib, per_request
from places import PORT

RANGE = 64 << 10
# No file of a run has the same id, so none has the content of another.
first_id = int(time.time()) << 20


def next_ids(count):
    global first_id
    first_id += count
    return first_id - count


def info(server, work):
    """Requests that go through the whole chain and carry next to nothing."""
    path = server.peer.info or server.peer.health
    load("get", "--url", server.url(path), "--clients", 32, "--count", 200)
    result = measured(server, lambda: load("get", "--url", server.url(path), "--clients", 32, "--seconds", work.seconds))
    return {"chain": server.peer.chain, **per_request(result)}


def big(server, work):
    """One large file, and then the time until what was left unsynced is on the disk."""
    result = measured(server, lambda: server.upload(1, 1, work.big, next_ids(1)), warm=pages_for(work.big))
    begun = time.perf_counter()
    os.sync()
    return {**per_gib(result), "sync_after_s": round(time.perf_counter() - begun, 3)}


def conc(server, work):
    """Many files at once."""
    size = work.files * work.file
    # So that what a service that runs has, like its connections to a database, is there.
    server.upload(8, 16, 64 << 10, next_ids(16))
    result = measured(server, lambda: server.upload(work.files, work.files, work.file, next_ids(work.files)), warm=pages_for(size))
    return per_gib(result)


def small(server, work):
    """Small files over a few connections that are kept."""
    server.keep_files = True
    server.upload(16, 64, work.small_file, next_ids(64))
    return per_request(measured(server, lambda: server.upload(16, work.small, work.small_file, next_ids(work.small))))


def down(server, work):
    """One large file back, compared once and then timed; and ranges of it at random offsets."""
    size, file = work.big, next_ids(1)
    outcome = server.upload(1, 1, size, file)
    if outcome["failures"]:
        return outcome
    url = server.url(server.peer.download(server, outcome))
    os.sync()
    compared = load("get", "--url", url, "--count", 1, "--expect", file, "--size", size)
    if compared["failures"]:
        return {**compared, "problem": f"what comes back is not what was sent: {compared['problem']}"}
    result = per_gib(measured(server, lambda: load("get", "--url", url, "--count", 1, "--size", size), warm=pages_for(size)))
    ranges = ("--range", RANGE, "--total", size)
    if load("get", "--url", url, "--count", 1, *ranges)["failures"]:
        # It ignores the header and sends everything.
        return {**result, "ranges": "none"}
    many = measured(server, lambda: load("get", "--url", url, "--clients", 16, "--seconds", work.seconds, *ranges))
    many = per_request(many)
    for field in ("failures", "reconnects"):
        result[field] += many[field]
    return {**result, "ranges_per_s": many["per_s"], "range_p99_ms": many["p99_ms"], "range_cpu_us": many["cpu_us"]}


def start(server, _):
    """From exec to the first 200, and the memory of a server with nothing to do. Of a chain: of one more replica."""
    if not server.peer.replica:
        server.get(server.peer.info or server.peer.health)
        return idle(server.process.pid, server.start_seconds)
    port = PORT + 50
    process, seconds = server.launch(server.command(server.peer.replica, str(port)), port, "/healthz")
    try:
        return idle(process.pid, seconds)
    finally:
        # Told to end, it would go on for some seconds, until others have learned of it.
        processes.end(process, signal.SIGKILL)


def idle(root, seconds):
    time.sleep(2)
    living = processes.tree(root)
    return {"ok": 1, "failures": 0, "start_ms": round(seconds * 1e3, 1), "idle_pss_mib": round(processes.proportional(living), 1),
            "idle_rss_mib": round(processes.resident(living), 1), "processes": len(living)}


ALL = {scenario.__name__: scenario for scenario in (info, big, conc, small, down, start)}
ALL |= {"resume": resuming.measure, "list": listing.measure}


def applies(scenario, peer):
    if peer.only and scenario not in peer.only:
        return False
    return {"down": peer.download is not None, "resume": peer.by == "tus", "list": peer.lists}.get(scenario, True)
