#!/bin/sh
# Runs nginx, and ends it more gently than it ends itself.
#
# Told to stop, nginx closes its port at once; but other nodes, and Swarm's virtual addresses, send new connections for some
# moments more. And it has ended when the kernel has the last bytes of its answers; but a container's network goes with the
# container's process, and with it what a slow client has not taken yet.
set -eu

nginx "$@" &
nginx=$!
trap 'kill -HUP "$nginx"' HUP
trap 'sleep 5; kill -QUIT "$nginx" 2>/dev/null || true' QUIT TERM INT
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
