#!/usr/bin/env bash
# Tests the stack on three nodes, which are three Docker engines on this machine: root, and Debian's docker.io, mmdebstrap,
# iptables and iproute2.
set -euo pipefail
exec python3 "$(dirname "$0")/three_nodes.py" "$@"
