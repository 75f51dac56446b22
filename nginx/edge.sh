#!/bin/sh
# Runs nginx, and stays a little longer than it: nginx has ended when the kernel has the last bytes of its answers, but a
# container's network goes with the container's process, and with it what a slow client has not taken yet.
set -eu

nginx "$@" &
nginx=$!
for signal in QUIT TERM INT HUP; do
    # shellcheck disable=SC2064  # the signal's name now
    trap "kill -$signal $nginx" "$signal"
done
status=0
# A signal ends the waiting, not nginx.
while kill -0 "$nginx" 2>/dev/null; do
    status=0
    wait "$nginx" || status=$?
done

# Connections of port 8080, which is 1F90, with something in the second queue of proc(5): bytes that were not acknowledged.
unsent() { awk '$2 ~ /:1F90$/ && $5 !~ /^00000000:/ { found = 1 } END { exit !found }' /proc/net/tcp; }
left=150
while [ "$left" -gt 0 ] && unsent; do
    sleep 0.1
    left=$((left - 1))
done
exit "$status"
