#!/usr/bin/env bash
# rustus. FSYNC=true: with its own --force-fsync, which takes any value for yes and so is left out for no.
# It holds the body of a request in memory, whose size is limited here; so it is sent in several.
# shellcheck source=scripts/bench/peers/lib.sh
. "$(dirname "$0")/lib.sh"
exec "$WORK/cargo/bin/rustus" --host 127.0.0.1 --port "$PORT" --url /files --data-dir "$DATA" --info-dir "$RUN/info" \
    --log-level ERROR --max-body-size $((8 << 20)) ${FSYNC:+--force-fsync true}
