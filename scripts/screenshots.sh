#!/usr/bin/env bash
# Takes the pictures of the web page anew; see --help.
set -euo pipefail
cd "$(dirname "$0")/.."
exec </dev/null

usage() {
    cat <<'TEXT'
Usage: scripts/screenshots.sh [FOLDER]

Starts three frontends, four backends, a PostgreSQL and an nginx, sends files through them and reads some, and takes pictures
of the web page in Debian's Chromium meanwhile: page.png, light and in English, and page-pt-BR.png, dark and in Portuguese, on a
narrow screen. FOLDER is where they go (default: docs/images).

With pngquant installed the pictures have 256 colours, and a third of the size. Needs what scripts/test-browser.sh needs, which
also says by what this one can be told to use another program, browser or database.
TEXT
}

case ${1:-} in
    --help | -h) usage; exit 0 ;;
    -*) echo "screenshots.sh: unknown option $1 (--help lists them)" >&2; exit 2 ;;
esac
folder=${1:-docs/images}

scripts/test-browser.sh --install
if [[ -z ${SWARM_UPLOAD_BIN:-} ]]; then
    cargo build --locked --release
    SWARM_UPLOAD_BIN=$(realpath "${CARGO_TARGET_DIR:-target}/release/swarm-upload")
    export SWARM_UPLOAD_BIN
fi
mkdir -p "$folder"
node tests/browser/screenshots.mjs "$folder"
if command -v pngquant >/dev/null; then
    pngquant --force --ext .png --strip --speed 1 "$folder"/page.png "$folder"/page-pt-BR.png
fi
ls -l "$folder"/page.png "$folder"/page-pt-BR.png
