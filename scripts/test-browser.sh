#!/usr/bin/env bash
# Tests the web page in a real browser; see --help.
set -euo pipefail
cd "$(dirname "$0")/.."
exec </dev/null

usage() {
    cat <<'TEXT'
Usage: scripts/test-browser.sh [FILE...]

Opens the web page of real services in Debian's Chromium: a whole one in one process, and clusters over PostgreSQL behind an
nginx. Does what visitors do, kills what may be killed meanwhile, and looks at what they see. FILE is one of
tests/browser/*.test.mjs (default: all).

Needs chromium-headless-shell, or chromium, which takes half as long again, and nodejs, npm, nginx and postgresql; packages of
Node's go to target/test-browser, in exact versions.
The last line is "N passed, N failed". What was on the screen when a test failed is in target/test-browser/failures.

  --install  only installs these packages
  --help     show this

Environment: SWARM_UPLOAD_BIN                a release binary to test instead of building it
             SWARM_UPLOAD_UI_DIR             a folder with the page's files, instead of those in the binary
             SWARM_UPLOAD_TEST_DATABASE_URL  a PostgreSQL to use instead of one that ends with the tests
             CHROMIUM                        the browser (default: the first of these two that is on PATH)
             PG_BIN                          the folder of PostgreSQL's programs (default: Debian's newest, or PATH)
TEXT
}

folder=target/test-browser

install() {
    local wanted
    wanted=$(<tests/browser/package-lock.json)
    if [[ -f $folder/installed && $(<"$folder/installed") == "$wanted" ]]; then return; fi
    rm -rf "$folder"
    mkdir -p "$folder"
    cp tests/browser/{package.json,package-lock.json,.npmrc} "$folder"
    npm ci --prefix "$folder" --no-progress
    echo "$wanted" >"$folder/installed"
}

files=()
for argument in "$@"; do
    case $argument in
        --install) install; exit ;;
        --help | -h) usage; exit 0 ;;
        -*) echo "test-browser.sh: unknown option $argument (--help lists them)" >&2; exit 2 ;;
        *) files+=("$argument") ;;
    esac
done
[[ ${#files[@]} -gt 0 ]] || files=(tests/browser/*.test.mjs)

install
if [[ -z ${SWARM_UPLOAD_BIN:-} ]]; then
    cargo build --locked --release
    SWARM_UPLOAD_BIN=$(realpath "${CARGO_TARGET_DIR:-target}/release/swarm-upload")
    export SWARM_UPLOAD_BIN
fi
exec node tests/browser/run.mjs "${files[@]}"
