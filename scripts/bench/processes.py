"""CPU and memory of a tree of processes, out of /proc."""

import os
import signal
import subprocess
import threading
import time
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
# Seconds that a process may take to end by itself.
END = 15


def tree(root):
    """`root` and everything that descends from it."""
    found, left = [], [root]
    while left:
        process = left.pop()
        found.append(process)
        try:
            for thread in Path(f"/proc/{process}/task").iterdir():
                left += map(int, (thread / "children").read_text().split())
        except OSError:
            pass
    return found


def stat(process):
    """The name and the fields after it, or None if the process has ended."""
    try:
        text = Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return None
    name, _, fields = text.partition("(")[2].rpartition(") ")
    return name, fields.split()


def cpu(processes):
    """Seconds by name. Children that have ended are counted with the parent that has waited for them."""
    seconds = {}
    for found in filter(None, map(stat, processes)):
        name, fields = found
        seconds[name] = seconds.get(name, 0) + sum(map(int, fields[11:15])) / TICKS
    return seconds


def mebibytes(process, file, field):
    try:
        with open(f"/proc/{process}/{file}") as lines:
            return next((int(line.split()[1]) / 1024 for line in lines if line.startswith(field)), 0)
    except OSError:
        return 0


def is_among(process, names):
    """Whether it has one of these names. One that has ended takes no part either way."""
    found = stat(process)
    return found is None or found[0] in names


def proportional(processes):
    """Memory where a shared page counts once, however many have it (PSS)."""
    return sum(mebibytes(process, "smaps_rollup", "Pss:") for process in processes)


def resident(processes):
    """Memory where a shared page counts in each that has it (RSS)."""
    return sum(mebibytes(process, "status", "VmRSS:") for process in processes)


def peak_resident(processes):
    return sum(mebibytes(process, "status", "VmHWM:") for process in processes)


class PeakMemory(threading.Thread):
    """The largest sums of proportional memory, of the whole tree and of the program alone, which is what is not `around` it, at ten samples
    a second."""

    def __init__(self, root, around):
        super().__init__(daemon=True)
        self.root, self.around, self.done = root, around, threading.Event()
        self.all = self.program = 0

    def run(self):
        while True:
            sizes = [(proportional([process]), is_among(process, self.around)) for process in tree(self.root)]
            self.all = max(self.all, sum(size for size, _ in sizes))
            self.program = max(self.program, sum(size for size, around in sizes if not around))
            if self.done.wait(0.1):
                return

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.done.set()
        self.join()


def busy_seconds():
    """CPU that all cores together have used for anything."""
    with open("/proc/stat") as lines:
        fields = [int(field) for field in lines.readline().split()[1:9]]
    idle, waiting = fields[3:5]
    return (sum(fields) - idle - waiting) / TICKS


def session(leader):
    """All that is of the session which `leader` began, also where the parent has ended and nothing descends from it any more. The
    kernel gives the leader's id to nobody else while one of them lives."""
    living = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    found = [(process, stat(process)) for process in living]
    # Of the fields after the name: the state, and the session.
    return [process for process, has in found if has and has[1][0] != "Z" and int(has[1][3]) == leader]


def end(process, number=signal.SIGTERM):
    """Ends a process that leads a session, and all that it has started, by their ids."""
    process.send_signal(number)
    try:
        process.wait(END)
    except subprocess.TimeoutExpired:
        pass
    # Again, for what was started while the others were ended.
    while left := session(process.pid):
        for one in left:
            try:
                os.kill(one, signal.SIGKILL)
            except ProcessLookupError:
                pass
        time.sleep(0.01)
    process.wait()
