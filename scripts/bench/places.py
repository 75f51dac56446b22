"""Where things are."""

import os
from pathlib import Path

HERE = Path(__file__).resolve().parent
PROJECT = HERE.parent.parent
WORK = Path(os.environ.get("BENCH_DIR") or PROJECT / "target" / "bench").resolve()
LOAD = WORK / "load"
# tus-js-client, which sends what is resumed.
CLIENT = WORK / "npm/node_modules/tus-js-client/package.json"
# The program to measure, as scripts/bench.sh found or built it.
BIN = Path(os.environ.get("SWARM_UPLOAD_BIN") or PROJECT / "target" / "release" / "swarm-upload").resolve()
# Everything listens here: PORT for the server as a whole, a few above it for its parts.
PORT = int(os.environ.get("BENCH_PORT", "19000"))
POSTGRES_PORT = int(os.environ.get("BENCH_POSTGRES_PORT", "16432"))
