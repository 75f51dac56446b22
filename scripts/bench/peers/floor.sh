#!/usr/bin/env bash
# The yardstick of floor/.
# shellcheck source=scripts/bench/peers/lib.sh
. "$(dirname "$0")/lib.sh"
exec "$WORK/floor"
