#!/usr/bin/env bash
# Another peer, which its script INNER starts, behind an nginx that hands on what comes as it comes.
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=scripts/bench/peers/lib.sh
. "$here/lib.sh"
nginx_with "
    upstream inner { server 127.0.0.1:$((PORT + 1)); keepalive 64; keepalive_requests 1000000; }
    server {
        listen 127.0.0.1:$PORT backlog=2048;
        location / {
            proxy_pass http://inner;
            proxy_request_buffering off;
            proxy_max_temp_file_size 0;
        }
    }"
part env PORT=$((PORT + 1)) "$here/${INNER:?}"
part nginx -c "$RUN/nginx.conf"
run_parts
