#!/usr/bin/env bash
# A yardstick: nginx alone. PUT by its dav module, GET by sendfile; /chain goes through three of its servers, as a request of ours
# does through nginx, a frontend and a backend.
# shellcheck source=scripts/bench/peers/lib.sh
. "$(dirname "$0")/lib.sh"
nginx_with "
    upstream second { server 127.0.0.1:$((PORT + 1)); keepalive 64; keepalive_requests 1000000; }
    upstream third { server 127.0.0.1:$((PORT + 2)); keepalive 64; keepalive_requests 1000000; }
    client_body_buffer_size 16k;
    server {
        listen 127.0.0.1:$PORT backlog=2048;
        # On the same disk as the files, or they would be copied.
        client_body_temp_path $DATA/.unfinished;
        location / { root $DATA; dav_methods PUT; }
        location = /health { return 200 ok; }
        location = /chain { proxy_pass http://second; }
    }
    server {
        listen 127.0.0.1:$((PORT + 1));
        location / { proxy_pass http://third; }
    }
    server {
        listen 127.0.0.1:$((PORT + 2));
        location / { return 200 '{\"frontend_container_id\":\"3f2a9c1d7b44\",\"backend_container_id\":\"9e0c5d21aa17\"}'; }
    }"
exec nginx -c "$RUN/nginx.conf"
