#!/usr/bin/env bash
# The chain of the usual Django deployment: nginx, gunicorn with the pages, and for /frontend-info/ a second gunicorn behind it; a row
# for each file in PostgreSQL. MODE:
#   processes  one request a process at a time, four and two of them, a connection a call: what tutorials end with (default)
#   threads    two processes of eight threads each, connections that are kept: what tuning ends with
# django.sh prepare: makes the tables.
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=scripts/bench/peers/lib.sh
. "$here/lib.sh"
export DJANGO_SETTINGS_MODULE=settings PYTHONPATH=$here/django PYTHONDONTWRITEBYTECODE=1
export BACKEND_URL=http://127.0.0.1:$((PORT + 2)) UPLOAD_TEMPORARY=$RUN/uploads
mkdir -p "$UPLOAD_TEMPORARY"
if [[ ${1:-} == prepare ]]; then exec "$WORK/venv/bin/python" -m django migrate --verbosity 0; fi
frontend=(--workers 4) backend=(--workers 2) keepalive=
if [[ ${MODE:-processes} == threads ]]; then
    frontend=(--worker-class gthread --workers 2 --threads 8 --keep-alive 30) backend=("${frontend[@]}")
    keepalive='keepalive 32;'
    export KEEP_CONNECTIONS=1
fi
nginx_with "
    upstream pages { server 127.0.0.1:$((PORT + 1)); $keepalive }
    server {
        listen 127.0.0.1:$PORT backlog=2048;
        location / {
            proxy_pass http://pages;
            proxy_set_header X-Forwarded-For \$proxy_add_x_forwarded_for;
            proxy_read_timeout 120s;
        }
    }"
gunicorn=("$WORK/venv/bin/gunicorn" --timeout 120 --log-level error)
part env ROLE=backend "${gunicorn[@]}" "${backend[@]}" --bind 127.0.0.1:$((PORT + 2)) application
part env ROLE=frontend "${gunicorn[@]}" "${frontend[@]}" --bind 127.0.0.1:$((PORT + 1)) application
part nginx -c "$RUN/nginx.conf"
run_parts
