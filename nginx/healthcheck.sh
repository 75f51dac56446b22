#!/bin/sh
# Healthy once it has reached a frontend; from then on as long as nginx itself answers, so that frontends that are away get
# no nginx killed.
set -eu
once=/tmp/reached-a-frontend
path=/nginx-health
[ -e "$once" ] || path=/nginx-health/upstream
curl -fsS -o /dev/null --max-time 2 "http://127.0.0.1:8080$path"
: >"$once"
