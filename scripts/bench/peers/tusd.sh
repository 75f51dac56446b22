#!/usr/bin/env bash
# tusd, the reference server of tus: the binary that TUSD names.
# shellcheck source=scripts/bench/peers/lib.sh
. "$(dirname "$0")/lib.sh"
exec "${TUSD:-tusd}" -host 127.0.0.1 -port "$PORT" -upload-dir "$DATA" >/dev/null 2>&1
