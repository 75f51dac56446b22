"""An upload that is cut again and again, by somebody else's client."""

import hashlib
import http.client
import json
import os
import random
import subprocess

from fault import Fault
from generator import listening
from measuring import pages_for, settle
from places import HERE, PORT, WORK
from workload import MIB


def measure(server, work):
    """A file sent by tus-js-client through a network that breaks again and again, against the same without that."""
    for name in ("cut", "uncut"):
        make(source(name), work.resumed)
    # In an order left to chance, since the first of two finds another machine than the second.
    limits = [("cut", work.cut), ("uncut", 1 << 62)]
    random.shuffle(limits)
    result = {}
    for name, limit in limits:
        settle(server.peer, pages_for(work.resumed))
        sent = send_resumable(server, source(name), limit)
        same = digest(sent["path"]) == file_digest(source(name))
        result |= {f"{name}_s": round(sent["seconds"], 3), f"{name}_same": same}
        if name == "cut":
            result |= {"cuts": sent["cuts"], "retries": sent["retries"]}
    wrong = [name for name, _ in limits if not result[f"{name}_same"]]
    result["ratio"] = round(result["cut_s"] / result["uncut_s"], 3)
    return {"ok": 2 - len(wrong), "failures": len(wrong), **result,
            "problem": f"what is stored is not what was sent: {', '.join(wrong)}" if wrong else ""}


def source(name):
    """Each is another file: the program stores equal content once, and would have less to do for the second."""
    return WORK / f"resume-{name}.bin"


def make(file, size):
    if not file.exists() or file.stat().st_size != size:
        with open(file, "wb") as made:
            for _ in range(size // MIB):
                made.write(os.urandom(MIB))


def send_resumable(server, file, limit):
    port = PORT + 60
    with listening("cut", port, "--to", PORT, "--after", limit) as end:
        client = ["node", HERE / "resume.mjs", f"http://127.0.0.1:{port}{server.peer.upload}", file, str(server.peer.patch)]
        done = subprocess.run(client, env=server.environment, capture_output=True, text=True, timeout=300)
        cuts = end().count("cut")
    if done.returncode:
        raise RuntimeError(f"the client failed after {cuts} cuts: {done.stderr[-300:]}")
    if (cuts > 0) != (limit < file.stat().st_size):
        raise Fault(f"a file of {file.stat().st_size} bytes went through {cuts} cuts, with one to come after each {limit} bytes")
    return {**json.loads(done.stdout), "cuts": cuts}


def digest(path):
    connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=60)
    connection.request("GET", path, headers={"Tus-Resumable": "1.0.0"})
    answer, hash = connection.getresponse(), hashlib.sha256()
    while piece := answer.read(MIB):
        hash.update(piece)
    connection.close()
    return hash.hexdigest()


def file_digest(path):
    hash = hashlib.sha256()
    with open(path, "rb") as file:
        while piece := file.read(MIB):
            hash.update(piece)
    return hash.hexdigest()
