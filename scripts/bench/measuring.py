"""What a load costs: CPU, memory, and what others used meanwhile."""

import os
import shutil
import time

import postgres
import processes
from generator import flawless
from places import WORK
from workload import GIB, MIB


def measured(server, send, warm=0):
    """Runs `send` and returns its outcome together with what the server's processes used for it. `warm`: see `touch_memory`."""
    settle(server.peer, warm)
    with processes.PeakMemory(server.process.pid, server.peer.around) as memory:
        before, busy, begun = server.cpu(), processes.busy_seconds(), time.perf_counter()
        outcome = send()
        after, busy, seconds = server.cpu(), processes.busy_seconds() - busy, time.perf_counter() - begun
    cpu = {name: round(used - before.get(name, 0), 3) for name, used in after.items() if used > before.get(name, 0)}
    used = sum(cpu.values())
    living = processes.tree(server.process.pid)
    program = [process for process in living if not processes.is_among(process, server.peer.around)]
    return {
        **outcome,
        "cpu": cpu,
        "cpu_s": round(used, 3),
        "other_cores": round(max(0, busy - used - outcome["load_cpu_s"]) / seconds, 2),
        "peak_pss_mib": round(memory.all, 1),
        "peak_rss_mib": round(processes.peak_resident(living), 1),
        "program_pss_mib": round(memory.program, 1),
        "program_rss_mib": round(processes.peak_resident(program), 1),
    }


def settle(peer, warm):
    """What was before is to cost nothing later."""
    if peer.database:
        postgres.settle()
    if warm:
        touch_memory(warm)
    os.sync()


def touch_memory(size):
    """Writes files and removes them. In a virtual machine whose idle memory goes back to its host, the first touch of a page can
    cost several times what it then costs to fill it: after this the pages are there."""
    folder = WORK / "warm"
    flawless("disk", "--folder", folder, "--count", max(1, size // (512 * MIB)), "--size", min(size, 512 * MIB))
    shutil.rmtree(folder)


def pages_for(size):
    """Of memory, for all that is written, and for what PostgreSQL writes besides."""
    return size * 5 // 2


def per_gib(result):
    """Of the bytes that went, not of those that should have."""
    size = result["bytes"]
    return {**result, "cpu_s_per_gib": round(result["cpu_s"] * GIB / size, 3) if size else None}


def per_request(result):
    done = result["ok"]
    return {**result, "cpu_us": round(1e6 * result["cpu_s"] / done, 1) if done else None}
