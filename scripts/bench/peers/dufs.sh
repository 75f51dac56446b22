#!/usr/bin/env bash
# dufs, without its log.
# shellcheck source=scripts/bench/peers/lib.sh
. "$(dirname "$0")/lib.sh"
exec "$WORK/cargo/bin/dufs" --allow-all --bind 127.0.0.1 --port "$PORT" --log-format '' "$DATA"
