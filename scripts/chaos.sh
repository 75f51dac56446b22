#!/usr/bin/env bash
# Runs the program under everything that can go wrong at once; see --help.
set -euo pipefail
cd "$(dirname "$0")/.."
exec </dev/null

usage() {
    cat <<'TEXT'
Usage: scripts/chaos.sh [--minutes N] [--seed S] [--store postgres|folder]

Starts three backends, two frontends and a PostgreSQL, and sends twenty clients at them (PUT, forms, tus, downloads, ranges)
while processes are killed, stopped and told to end, connections fail and PostgreSQL goes away and comes back. Those that speak
tus send checksums, right and wrong ones, tell lengths late, leave uploads to expire, and join files of parts sent at once. Then
it mends everything, lets the clients finish, and compares all that is stored with what was sent.

  --minutes N  how long the faults go on (default 1)
  --seed S     repeats a run: the same contents, clients and faults in the same order. What it cannot repeat is when
               threads and processes get their turn (default: a random one, which is printed)
  --store S    where bytes are kept: postgres (default) or folder
  --help       show this

The last line is "N passed, N failed", where each promise counts as one; the exit status is 0 only if none was broken. The
logs of a run that failed are kept, and it says where.

Environment: SWARM_UPLOAD_BIN  a release binary to test instead of building it
TEXT
}

arguments=(--minutes 1)
while [[ $# -gt 0 ]]; do
    case $1 in
        --minutes | --seed | --store)
            [[ $# -gt 1 ]] || { echo "chaos.sh: $1 needs a value" >&2; exit 2; }
            arguments+=("$1" "$2")
            shift 2
            ;;
        --help | -h) usage; exit 0 ;;
        *) echo "chaos.sh: unknown option $1 (--help lists them)" >&2; exit 2 ;;
    esac
done

if [[ -z ${SWARM_UPLOAD_BIN:-} ]]; then
    cargo build --locked --release
    SWARM_UPLOAD_BIN=$(realpath "${CARGO_TARGET_DIR:-target}/release/swarm-upload")
    export SWARM_UPLOAD_BIN
fi
exec cargo test --locked --quiet --test chaos -- "${arguments[@]}"
