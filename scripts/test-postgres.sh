#!/usr/bin/env bash
# Runs a throwaway PostgreSQL for tests on a free port of the loopback address, prints its URL as one line, and ends it,
# with all its data, when standard input ends. It is not durable (fsync is off) and trusts whoever connects.
set -euo pipefail

die() { echo "test-postgres: $*" >&2; exit 1; }

programs() {
    if [[ -n ${PG_BIN:-} ]]; then echo "$PG_BIN"; return; fi
    local initdb
    initdb=$(find /usr/lib/postgresql -path '*/bin/initdb' 2>/dev/null | sort -V | tail -n 1)
    initdb=${initdb:-$(command -v initdb || true)}
    [[ -n $initdb ]] || die "PostgreSQL is not installed (no initdb; PG_BIN may name its folder)"
    dirname "$initdb"
}

bin=$(programs)
folder=$(mktemp -d "${TMPDIR:-/tmp}/swarm-upload-postgres.XXXXXX")
server=

# shellcheck disable=SC2317,SC2329  # the trap calls it
finish() {
    if [[ -n $server ]]; then
        kill -INT "$server" 2>/dev/null || true
        wait "$server" 2>/dev/null || true
    fi
    rm -rf "$folder"
}
trap finish EXIT
trap 'exit 143' TERM INT HUP

# PostgreSQL refuses to run as root; and whatever ends this script ends the server.
as_user=(setpriv --pdeathsig QUIT)
if [[ $(id -u) -eq 0 ]]; then
    user=nobody
    if id postgres >/dev/null 2>&1; then user=postgres; fi
    as_user+=(--reuid "$user" --regid "$(id -g "$user")" --clear-groups)
    chown "$user" "$folder"
fi
as_user+=(--)

cd "$folder"
"${as_user[@]}" "$bin/initdb" --pgdata data --username postgres --auth trust --encoding UTF8 --locale C --no-sync \
    >initdb.log 2>&1 || { cat initdb.log >&2; die "initdb failed"; }

# PostgreSQL cannot be asked to choose a port itself: try some below the range that the system hands out.
for _ in {1..20}; do
    port=$((20000 + RANDOM % 12000))
    "${as_user[@]}" "$bin/postgres" -D data -p "$port" -c listen_addresses=127.0.0.1 -c unix_socket_directories= \
        -c fsync=off -c full_page_writes=off -c max_connections=300 -c log_min_messages=fatal >server.log 2>&1 </dev/null &
    server=$!
    for _ in {1..600}; do
        if grep -qs '^ready' data/postmaster.pid; then
            echo "postgres://postgres@127.0.0.1:$port/postgres?sslmode=disable"
            while read -r _; do :; done
            exit 0
        fi
        kill -0 "$server" 2>/dev/null || break
        sleep 0.1
    done
    wait "$server" || true
    server=
done
cat server.log >&2
die "the server does not start"
