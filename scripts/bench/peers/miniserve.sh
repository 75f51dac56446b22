#!/usr/bin/env bash
# miniserve. Its unfinished files are on the same disk as the finished ones, or they would be copied.
# shellcheck source=scripts/bench/peers/lib.sh
. "$(dirname "$0")/lib.sh"
exec "$WORK/cargo/bin/miniserve" --interfaces 127.0.0.1 --port "$PORT" --upload-files --on-duplicate-files overwrite \
    --temp-directory "$DATA" "$DATA" >/dev/null
