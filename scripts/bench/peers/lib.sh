# Sourced by what starts a server, which does so in the foreground and ends it on SIGTERM. scripts/bench sets
#   WORK  where the tools are
#   PORT  where the server listens, on 127.0.0.1; its parts on the ports above
#   DATA  an empty folder for stored files
#   RUN   an empty folder for everything else; its output goes to a file there
# and the variables of libpq.
# shellcheck shell=bash
set -euo pipefail
: "${WORK:?}" "${PORT:?}" "${DATA:?}" "${RUN:?}"

parts=() endings=()
# The signal that ends a part, as it is when that starts.
ending=TERM

# shellcheck disable=SC2317,SC2329  # the trap calls it
end_parts() {
    trap '' TERM INT
    local i
    for i in "${!parts[@]}"; do kill -s "${endings[i]}" "${parts[i]}" 2>/dev/null || true; done
    wait
}
trap end_parts EXIT
trap 'exit 0' TERM INT

# part COMMAND...: runs it beside others.
part() {
    "$@" &
    parts+=($!) endings+=("$ending")
}

# Runs until it is told to end, or a part ends by itself.
run_parts() {
    local status=0
    wait -n || status=$?
    echo "A part of the server has ended by itself, with $status."
    exit 1
}

# nginx_with SERVERS: an nginx as they are usually set up, two workers and no access log, with its state in RUN. Returns once its
# configuration is written; `nginx -c "$RUN/nginx.conf"` runs it.
nginx_with() {
    local user=
    if [[ $(id -u) -eq 0 ]]; then user='user root;'; fi
    mkdir -p "$RUN/nginx"
    cat >"$RUN/nginx.conf" <<CONF
$user
daemon off;
worker_processes 2;
pid $RUN/nginx.pid;
error_log stderr warn;
events { worker_connections 4096; }
http {
    default_type application/octet-stream;
    access_log off;
    sendfile on;
    tcp_nopush on;
    keepalive_requests 1000000;
    client_max_body_size 0;
    client_body_temp_path $RUN/nginx/body;
    proxy_temp_path $RUN/nginx/proxy;
    fastcgi_temp_path $RUN/nginx/fastcgi;
    uwsgi_temp_path $RUN/nginx/uwsgi;
    scgi_temp_path $RUN/nginx/scgi;
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    proxy_set_header Host \$http_host;
$1
}
CONF
}
