#!/usr/bin/env bash
# Ours: nginx, FRONTENDS frontends (1), BACKENDS backends (2), PostgreSQL. Each with the settings and logs of production.
#   STORE=folder|rows  where bytes go (folder)
#   EDGE=none          without nginx
# swarm-upload.sh ROLE PORT: one more replica of a chain that runs.
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=scripts/bench/peers/lib.sh
. "$here/lib.sh"
frontends=${FRONTENDS:-1}
backends=${BACKENDS:-2}
edge=${EDGE:-nginx}
frontend_port=$((PORT + 1))
if [[ $edge == none ]]; then frontend_port=$PORT frontends=1; fi
backend_port=$((PORT + 10))
# What they store is thrown away, and told to end they would wait for others to learn of it.
# shellcheck disable=SC2034  # part reads it
ending=KILL

# As in stack.yml and the Dockerfile.
export MALLOC_ARENA_MAX=1 RUST_LOG=info,actix_http::h1::dispatcher=off LOG_FORMAT=text SHUTDOWN_GRACE=30s
if [[ ${STORE:-folder} == folder ]]; then export BLOB_STORE=file://$DATA; else export BLOB_STORE=postgres:; fi
addresses=()
for ((i = 0; i < backends; i++)); do addresses+=(--backend "http://127.0.0.1:$((backend_port + i))"); done

# replica ROLE PORT: becomes one.
replica() {
    exec >>"$RUN/$1-$2.log" 2>&1
    if [[ $1 == backend ]]; then exec "$BIN" --role backend --listen "127.0.0.1:$2"; fi
    exec env -u DATABASE_URL -u BLOB_STORE "$BIN" --role frontend --listen "127.0.0.1:$2" "${addresses[@]}"
}

# Until all are ready, so that none is measured alone.
await() {
    local port=$1 left=600
    until curl --silent --fail --output /dev/null "http://127.0.0.1:$port/readyz"; do
        left=$((left - 1))
        [[ $left -gt 0 ]] || return 1
        sleep 0.05
    done
}

# nginx/nginx.conf, with what has to be different where there is no container for it and no Docker that knows the frontends.
edge_configuration() {
    local line='server tasks.frontend:8000 resolve max_fails=1 fail_timeout=2s;' servers=
    for ((i = 0; i < frontends; i++)); do
        servers+="server 127.0.0.1:$((frontend_port + i)) max_fails=1 fail_timeout=2s; "
    done
    local configuration
    configuration=$(<"$here/../../../nginx/nginx.conf")
    for replaced in "$line" '/tmp/' 'listen 8080 ' '/dev/stdout'; do
        [[ $configuration == *"$replaced"* ]] || { echo "nginx/nginx.conf has no \"$replaced\" any more, which is replaced here" >&2; exit 1; }
    done
    configuration=${configuration//"$line"/"$servers"}
    configuration=${configuration//'/tmp/'/"$RUN/"}
    configuration=${configuration//'listen 8080 '/"listen 127.0.0.1:$PORT "}
    echo "${configuration//'/dev/stdout'/"$RUN/access.log"}"
}

if [[ $# -eq 2 ]]; then replica "$1" "$2"; fi
for ((i = 0; i < backends; i++)); do part replica backend $((backend_port + i)); done
for ((i = 0; i < backends; i++)); do await $((backend_port + i)); done
for ((i = 0; i < frontends; i++)); do part replica frontend $((frontend_port + i)); done
for ((i = 0; i < frontends; i++)); do await $((frontend_port + i)); done
if [[ $edge == nginx ]]; then
    edge_configuration >"$RUN/nginx.conf"
    # Killed, its master would leave the workers behind, on PORT.
    ending=TERM part nginx -g 'daemon off;' -e stderr -c "$RUN/nginx.conf"
fi
run_parts
