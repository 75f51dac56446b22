#!/usr/bin/env bash
# @tus/server with @tus/file-store.
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=scripts/bench/peers/lib.sh
. "$here/lib.sh"
exec node "$here/tusnode/server.mjs"
