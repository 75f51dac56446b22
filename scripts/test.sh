#!/usr/bin/env bash
# Runs every check and every test of the project; see --help.
set -euo pipefail
cd "$(dirname "$0")/.."
exec </dev/null

usage() {
    cat <<'TEXT'
Usage: scripts/test.sh [--require-all] [--all]

Checks formatting, lints and shell scripts; runs the unit, property, conformance, architecture and tutorial tests; builds the
images and tests the stack on a Docker Swarm of its own, while that is scaled, killed and updated (scripts/e2e/run.py). Builds
the release binary and tests it from outside: on SQLite, on a PostgreSQL of its own, and with curl; with tus-js-client, Uppy and
tuspy, also behind an nginx; on disks that are full and disks whose power is cut (which it mounts: as root), with clocks that
jump, its web page in a real browser (scripts/test-browser.sh), and for a minute under everything that can go wrong
(scripts/chaos.sh).

  --require-all  a suite that cannot run, because something is not installed, is a failure
  --all          also every command of docs/TUTORIAL.md, and the stack on a Swarm of three nodes (scripts/e2e/three-nodes.sh),
                 which takes a quarter of an hour more
  --help         show this

On Debian or Ubuntu, as root, missing packages are installed; elsewhere they are named and their suites left out.
The last line is "N passed, N failed"; the exit status is 0 only if tests ran and nothing failed.

Environment: SWARM_UPLOAD_TEST_DATABASE_URL  a PostgreSQL to use instead (its user may create databases), but by tests that
                                             stop, kill or freeze one of their own
             RUST_TEST_THREADS               how many tests run at once (default: twice the cores, 20 at most); each may have a
                                             dozen connections to PostgreSQL
             PG_BIN                          the folder of PostgreSQL's programs (default: Debian's newest, or PATH)
             TMPDIR                          where tests have their files (default: /tmp; and for databases and unit tests the
                                             machine's memory, if it has plenty)
TEXT
}

require_all=false
all=false
for argument in "$@"; do
    case $argument in
        --require-all) require_all=true ;;
        --all) all=true ;;
        --help | -h) usage; exit 0 ;;
        *) echo "test.sh: unknown option $argument (--help lists them)" >&2; exit 2 ;;
    esac
done

# Where Debian has dockerd and nginx; an ordinary PATH leaves it out.
PATH=$PATH:/usr/sbin:/sbin
# Where the tests look for them (tests/support/external.rs).
clients=$PWD/target/test-clients
log=$(mktemp "${TMPDIR:-/tmp}/swarm-upload-test.XXXXXX")
failures=$(mktemp "${TMPDIR:-/tmp}/swarm-upload-test.XXXXXX")
# Where tests have their files that are not about disks: stores and databases are made and removed by the hundreds.
memory=
passed=0
failed=0
# The build of the release, which goes on behind the tests.
release=none

# step HEADING COMMAND...: runs it, prints how long it took, counts the tests in its output, or itself if it fails without any.
step() {
    local heading=$1 begin=$SECONDS status=0 counts
    shift
    printf '\n== %s\n' "$heading"
    "$@" 2>&1 | tee "$log" || status=$?
    counts=$(sed -nE 's/^(test result: .* )?([0-9]+) passed[;,] ([0-9]+) failed(;.*)?$/\2 \3/p' "$log")
    local good bad failures_before=$failed
    while read -r good bad; do
        passed=$((passed + ${good:-0}))
        failed=$((failed + ${bad:-0}))
    done <<<"$counts"
    if [[ $status -ne 0 && $failed -eq $failures_before ]]; then failed=$((failed + 1)); fi
    local result=ok
    if [[ $status -ne 0 ]]; then
        result=FAILED
        { printf '\n== Failed: %s\n' "$heading"; what_failed; } >>"$failures"
    fi
    printf -- '-- %s: %s (%d s)\n' "$heading" "$result" $((SECONDS - begin))
    return "$status"
}

# What of the step's output says what failed, told again at the end: of a long log often only the end is kept. First which,
# then why: of what a command said before it ended, the end.
what_failed() {
    {
        { grep -E '^test .* FAILED$|^BROKEN|^FAILED|FAILED;|^error' "$log" || true; } | head -n 38
        if grep -q '^failures:$' "$log"; then
            sed -n '/^failures:$/,/^test result/p' "$log"
        else
            { grep -E -A 15 'FAILED|BROKEN|^error' "$log" || true; } | head -n 60
            printf '...\n'
            tail -n 40 "$log"
        fi
    } | head -n 140 | cut -c -1000
}

# leave_out WHAT WHY: a suite does not run.
leave_out() {
    printf '\n== %s\n-- does not run: %s\n' "$1" "$2"
    if $require_all; then
        failed=$((failed + 1))
        printf '\n== Does not run: %s: %s\n' "$1" "$2" >>"$failures"
    fi
}

has() { command -v "$1" >/dev/null 2>&1; }
# PostgreSQL's programs, where scripts/test-postgres.sh looks for them.
has_postgres() {
    if [[ -n ${PG_BIN:-} ]]; then [[ -x $PG_BIN/initdb ]]; else
        compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || has initdb
    fi
}
has_psql() { [[ -x ${PG_BIN:-}/psql ]] || has psql; }
has_faketime() { compgen -G '/usr/lib/*/faketime/libfaketimeMT.so.1' >/dev/null; }
# The system's Python, since a package of the system brings the module.
has_fusepy() { /usr/bin/python3 -c 'import fusepy' 2>/dev/null || /usr/bin/python3 -c 'import fuse' 2>/dev/null; }
# What a Docker engine of our own needs, and base images without a registry.
has_engine() { has docker && has dockerd && has mmdebstrap && has iptables && has ip && has nsenter; }
has_chromium() { has chromium-headless-shell || has chromium; }
has_venv() { has python3 && python3 -c 'import ensurepip, venv' 2>/dev/null; }

# The one without windows, which does the same with half of the work; or the whole, where a release has no such package.
chromium_package() {
    local headless
    headless=$(apt-cache --names-only search '^chromium-headless-shell$' 2>/dev/null | cut -d ' ' -f 1) || true
    if [[ -n $headless ]]; then echo "$headless"; elif ! has_chromium; then echo chromium; fi
}

# The Debian packages of what is missing.
missing_packages() {
    has cc || echo build-essential
    has curl || echo curl
    has jq || echo jq
    has shellcheck || echo shellcheck
    has_postgres || echo postgresql
    has_venv || echo python3-venv
    has node || echo nodejs
    has npm || echo npm
    has nginx || echo nginx
    has chromium-headless-shell || chromium_package
    has_psql || echo postgresql-client
    has_fusepy || echo python3-fusepy
    has_faketime || echo libfaketime
    has dockerd || echo docker.io
    # Some releases have the client in a package of its own.
    has docker || apt-cache --names-only search '^docker-cli$' | cut -d ' ' -f 1
    has mmdebstrap || echo mmdebstrap
    has iptables || echo iptables
    has modprobe || echo kmod
    [[ -e /etc/ssl/certs/ca-certificates.crt ]] || echo ca-certificates
    has ip || echo iproute2
}

# A root that may not mount, in a container, is found out by trying.
can_mount() {
    local folder status=0
    folder=$(mktemp -d)
    mount -t tmpfs -o size=1m tmpfs "$folder" 2>/dev/null && umount "$folder" || status=1
    rmdir "$folder"
    return "$status"
}

can_mount_fuse() { has_fusepy && [[ -w /dev/fuse ]] && { can_mount || has fusermount; }; }

install_missing() {
    local packages
    mapfile -t packages < <(missing_packages)
    if [[ ${#packages[@]} -eq 0 ]]; then return; fi
    if [[ $(id -u) -ne 0 ]] || ! has apt-get; then
        echo "Not installed: ${packages[*]}"
        return
    fi
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq || true
    # Now that the names of all packages are known.
    mapfile -t packages < <(missing_packages)
    echo "Installing ${packages[*]}"
    install_without_starting "${packages[@]}" || echo "The installation failed."
}

# install_without_starting PACKAGE...: Debian starts the services of nginx, PostgreSQL and Docker as it installs them, on ports
# that may be somebody's, unless this script says no. A subshell, so that it goes however the installation ends.
install_without_starting() (
    policy=/usr/sbin/policy-rc.d
    if [[ ! -e $policy ]]; then
        trap 'rm -f "$policy"' EXIT
        printf '#!/bin/sh\nexit 101\n' >"$policy"
        chmod 755 "$policy"
    fi
    apt-get install -y -qq --no-install-recommends "$@"
)

# The tus clients that others wrote, in exact versions; installed again only when these change.
install_clients() {
    local wanted
    wanted=$(cat tests/clients/package-lock.json tests/clients/requirements.txt)
    if [[ -f $clients/installed && $(<"$clients/installed") == "$wanted" ]]; then return; fi
    rm -rf "$clients" &&
        mkdir -p "$clients" &&
        cp tests/clients/{package.json,package-lock.json,.npmrc} "$clients" &&
        npm ci --prefix "$clients" --no-progress &&
        python3 -m venv "$clients/venv" &&
        "$clients/venv/bin/pip" install --quiet --requirement tests/clients/requirements.txt &&
        echo "$wanted" >"$clients/installed"
}

# Takes `memory` from the machine's memory, if that has plenty: a container may have very little there.
use_memory() {
    local room free folder
    if [[ -n ${TMPDIR:-} ]]; then return; fi
    room=$(df --output=avail --block-size=1M /dev/shm 2>/dev/null | tail -n 1) || return 0
    free=$(awk '/^MemAvailable:/ { print int($2 / 1024) }' /proc/meminfo 2>/dev/null) || return 0
    if [[ $(stat --file-system --format=%T /dev/shm) != tmpfs || $room -lt 4096 || $free -lt 8192 ]]; then return; fi
    if [[ $(cat /sys/fs/cgroup/memory.max 2>/dev/null || echo max) != max ]]; then return; fi
    folder=$(mktemp -d /dev/shm/swarm-upload-test.XXXXXX) || return 0
    # PostgreSQL reads its part of it as another user.
    chmod 755 "$folder"
    memory=$folder
}

# Starts a PostgreSQL that ends when this script does, whatever ends it: it lives as long as the pipe to its input.
start_postgres() {
    if [[ -n ${SWARM_UPLOAD_TEST_DATABASE_URL:-} ]]; then return; fi
    has_postgres || return
    coproc POSTGRES { TMPDIR=${memory:-${TMPDIR:-/tmp}} exec scripts/test-postgres.sh; }
    local output=${POSTGRES[0]:-} url
    if [[ -z $output ]] || ! read -r url <&"$output"; then return 1; fi
    export SWARM_UPLOAD_TEST_DATABASE_URL=$url
}

finish() {
    # A group of its own, or the compilers that cargo has started would go on.
    if jobs -pr | grep --quiet --line-regexp "$release"; then kill -- "-$release" 2>/dev/null || true; fi
    if [[ -n ${POSTGRES_PID:-} ]]; then
        kill "$POSTGRES_PID" 2>/dev/null || true
        wait "$POSTGRES_PID" 2>/dev/null || true
    fi
    rm -f "$log" "$failures"
    if [[ -n $memory ]]; then rm -rf "$memory" || true; fi
}
trap finish EXIT
use_memory

step "What the tests need" install_missing || true
skip=()
if start_postgres; then
    echo "PostgreSQL: $SWARM_UPLOAD_TEST_DATABASE_URL"
else
    leave_out "Tests on PostgreSQL" "it is not installed, or does not start"
    skip+=(--skip postgres --skip cluster --skip tus_clients --skip db::migrate --skip db::error)
fi
if ! has_postgres; then
    leave_out "Tests that take a PostgreSQL of their own away, and chaos" "its programs are not installed (PG_BIN may name their folder)"
    skip+=(--skip cluster::database_away --skip cluster::failover --skip disk_full::postgres --skip clock_jumps::postgres
        --skip postgres_server::)
fi
if ! { has node && has npm && has_venv && step "The tus clients" install_clients; }; then
    leave_out "Tests with other people's tus clients" "node, npm or python3-venv is missing, or their installation failed"
    skip+=(--skip clients::)
fi
if ! has nginx; then
    leave_out "Tests with other people's tus clients, and of events, behind nginx" "it is not installed"
    skip+=(--skip tus_clients --skip through_nginx)
fi
if ! { has curl && has jq; }; then
    leave_out "Tests of scripts/test-load-balancing.sh" "curl or jq is missing"
    skip+=(--skip load_balancing_script)
fi
if ! can_mount; then
    leave_out "Tests with a full disk" "mounting a small one needs root"
    skip+=(--skip disk_full)
fi
if ! can_mount_fuse; then
    leave_out "Tests with a power cut" "python3-fusepy or /dev/fuse is missing, or nothing may be mounted"
    skip+=(--skip power_cut)
fi
if ! has_faketime; then
    leave_out "Tests with clocks that jump" "libfaketime is missing"
    skip+=(--skip clock_jumps)
fi

browser=true
if ! { has_chromium && has node && has npm && has nginx && has_psql && [[ -n ${SWARM_UPLOAD_TEST_DATABASE_URL:-} ]] &&
    step "A browser's driver" scripts/test-browser.sh --install; }; then
    leave_out "The page in a browser" "chromium, node, npm, nginx or PostgreSQL is missing, or the driver's installation failed"
    browser=false
fi

step "Formatting" cargo fmt --check || true
# What `cargo clippy --all-targets -- -D warnings` says, said as the tests are built: to be checked by themselves all libraries would
# be compiled once more. (clippy-driver is the compiler with lints and without some optimizations; nothing is measured here.) The
# tests have to be run with the same variables, or cargo builds them anew; if a lint fails it does, without clippy.
linted=(env RUSTC_WORKSPACE_WRAPPER=clippy-driver CLIPPY_ARGS=-Dwarnings)
step "Lints, and tests and benchmarks are built" "${linted[@]}" cargo test --locked --all-targets --no-run || linted=()
if has shellcheck; then
    step "Shell scripts" shellcheck scripts/*.sh scripts/e2e/*.sh scripts/e2e/images/*.sh scripts/bench/peers/*.sh nginx/*.sh .ci/run || true
else
    leave_out "Shell scripts" "shellcheck is not installed"
fi
# Behind the tests that need no release, with what they leave of the processors: its last step, the optimization of the whole,
# goes on for minutes in one thread. (Linux may share processors out among sessions first, and only then among their processes.)
behind='{ echo 19 >/proc/self/autogroup; } 2>/dev/null; exec nice -n 19 "$@"'
setsid bash -c "$behind" behind cargo build --locked --release >/dev/null 2>&1 &
release=$!
# They wait, too.
threads=$((2 * $(nproc)))
export RUST_TEST_THREADS=${RUST_TEST_THREADS:-$((threads < 20 ? threads : 20))}
step "Unit, property, conformance, architecture and tutorial tests" \
    env TMPDIR="${memory:-${TMPDIR:-/tmp}}" "${linted[@]}" cargo test --locked --no-fail-fast --lib --bins --test architecture --test tutorial -- \
    "${skip[@]}" || true
step "Examples in the documentation" "${linted[@]}" cargo test --locked --doc || true
# Each once, as it was built for the tests: what they measure is another matter (docs/PERFORMANCE.md).
step "Benchmarks of the hot pieces run" "${linted[@]}" cargo test --locked --bench hot || true
# It builds images of its own, and waits more than it works.
if ! has_engine || [[ $(id -u) -ne 0 ]]; then
    leave_out "The stack on a Docker Swarm" "it needs root, Docker, mmdebstrap, iptables, iproute2 and util-linux"
else
    if ! $all; then
        step "The stack on a Docker Swarm" scripts/e2e/run.py || true
    else
        step "The stack on a Docker Swarm, and the tutorial" scripts/e2e/run.py --tutorial || true
        step "The stack on a Docker Swarm of three nodes" scripts/e2e/three-nodes.sh || true
    fi
fi
wait "$release" || true
# What is left of it, if that was ended, and what it had to say.
if step "Release build" cargo build --locked --release; then
    SWARM_UPLOAD_BIN=$(realpath "${CARGO_TARGET_DIR:-target}/release/swarm-upload")
    export SWARM_UPLOAD_BIN
    step "Integration tests" "${linted[@]}" cargo test --locked --test integration -- "${skip[@]}" || true
    if $browser; then step "The page in a browser" scripts/test-browser.sh || true; fi
    if has_postgres && [[ " ${skip[*]} " != *" cluster "* ]]; then
        step "Half a minute of chaos over rows" "${linted[@]}" scripts/chaos.sh --minutes 0.5 --store postgres || true
        step "Half a minute of chaos over files" "${linted[@]}" scripts/chaos.sh --minutes 0.5 --store folder || true
    fi
fi

cat "$failures"
printf '\n%d passed, %d failed\n' "$passed" "$failed"
[[ $passed -gt 0 && $failed -eq 0 ]]
