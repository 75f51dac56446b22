#!/usr/bin/env bash
# Measures the program against its peers and the limits of the machine; see --help.
set -euo pipefail
called_in=$PWD
cd "$(dirname "$0")/.."
exec </dev/null

usage() {
    cat <<'TEXT'
Usage: scripts/bench.sh [--quick] [--peers A,B] [--scenarios A,B] [--runs N] [--results FILE]
       scripts/bench.sh --table [--quick] [--results FILE]
       scripts/bench.sh --limits [--runs N]
       scripts/bench.sh --scale [--quick] [--runs N]
       scripts/bench.sh --cuts [--quick] [--runs N]

Measures the whole chain (nginx, a frontend, two backends, PostgreSQL) side by side with other upload servers and with
yardsticks that do the least there is to do, on this machine, and prints the figures as Markdown. Everything listens on
127.0.0.1 and is kept in target/bench. What peers need is installed there first, from their packages and in exact versions; a
peer that cannot be had is left out, and that is said. scripts/bench/README.md says what is measured how.

  --peers A,B      only these (default: all); an unknown name lists them
  --scenarios A,B  only these of info, big, conc, small, down, start, resume, list (default: all)
  --runs N         how often each is measured, in turn with the others (default 3, and 1 with --quick)
  --quick          much smaller loads, to see whether everything works: the figures say little. Kept apart from the others
  --table          measures nothing and prints the table of what was measured before
  --limits         measures the limits of the machine instead: digests, disk, loopback, PostgreSQL
  --scale          measures instead 1 GiB through 1 to 8 backends, as 1 to 1,000 uploads at once, and draws docs/images/scale.svg
  --cuts           sends instead N uploads (default 100, and 3 with --quick) through cut after cut, and says how many of them are right
  --results FILE   where results are kept, a line of JSON each (default: target/bench/results.jsonl)
  --help           show this

Needs nginx, PostgreSQL, curl, Node.js with npm, Python with venv, and a Rust toolchain; --limits also openssl. A complete run takes about an hour, and
says something only on a machine that does nothing else. Exits with 1 if a measurement has failed.

Environment: SWARM_UPLOAD_BIN     a release binary to measure instead of building it
             TUSD                 a tusd binary, which no registry of packages has
             PG_BIN               the folder of PostgreSQL's programs (default: Debian's newest)
             BENCH_DIR            instead of target/bench; the user postgres has to be able to reach it
             BENCH_PORT           of the servers, and some seventy above it (default 19000)
             BENCH_POSTGRES_PORT  (default 16432)
TEXT
}

die() { echo "bench.sh: $*" >&2; exit 2; }
say() { echo "== $*" >&2; }
has() { command -v "$1" >/dev/null 2>&1; }

# path NAME: relative to where this was called, and not to where it goes from there.
path() { (cd "$called_in" && realpath --canonicalize-missing -- "$1"); }
for name in SWARM_UPLOAD_BIN PG_BIN BENCH_DIR CARGO_TARGET_DIR TUSD; do
    # tusd is a command of PATH, ./tusd is not.
    if [[ -n ${!name:-} && ($name != TUSD || ${!name} == */*) ]]; then export "$name=$(path "${!name}")"; fi
done

arguments=()
peers='' measure=run
while [[ $# -gt 0 ]]; do
    case $1 in
        --peers | --scenarios | --runs | --results)
            [[ $# -gt 1 ]] || die "$1 needs a value"
            if [[ $1 == --peers ]]; then peers=$2; fi
            if [[ $1 == --results ]]; then arguments+=("$1" "$(path "$2")"); else arguments+=("$1" "$2"); fi
            shift
            ;;
        --quick) arguments+=("$1") ;;
        --table) measure=table arguments+=("$1") ;;
        --limits | --scale | --cuts) measure=${1#--} ;;
        --help | -h) usage; exit 0 ;;
        *) die "unknown option $1 (--help lists them)" ;;
    esac
    shift
done

# A thousand connections and more, as far as this is allowed.
ulimit -S -n 16384 2>/dev/null || ulimit -S -n "$(ulimit -H -n)"
export BENCH_DIR=${BENCH_DIR:-$PWD/target/bench}
# Where Debian has nginx; an ordinary PATH leaves it out.
PATH=$PATH:/usr/sbin:/sbin

# Debian's newest.
postgres_programs() { { find /usr/lib/postgresql -mindepth 2 -maxdepth 2 -name bin 2>/dev/null || true; } | sort -V | tail -n 1; }

# wanted WORD: whether a peer is to be measured that has it in its name.
wanted() { [[ -z $peers || $peers == *"$1"* ]]; }

# installed NAME FILE...: whether NAME was installed as these files say. `remember NAME FILE...` says that it was.
installed() { [[ -f $BENCH_DIR/$1.installed ]] && cat "${@:2}" | cmp --silent - "$BENCH_DIR/$1.installed"; }
remember() { cat "${@:2}" >"$BENCH_DIR/$1.installed"; }

install_django() {
    local requirements=scripts/bench/requirements.txt
    if installed venv "$requirements"; then return; fi
    say "Django, into $BENCH_DIR/venv"
    python3 -m venv --clear "$BENCH_DIR/venv" &&
        "$BENCH_DIR/venv/bin/pip" install --quiet --disable-pip-version-check --requirement "$requirements" &&
        remember venv "$requirements"
}

install_node_packages() {
    if installed npm scripts/bench/npm/package-lock.json; then return; fi
    say "@tus/server and tus-js-client, into $BENCH_DIR/npm"
    mkdir -p "$BENCH_DIR/npm" &&
        cp scripts/bench/npm/{package.json,package-lock.json,.npmrc} "$BENCH_DIR/npm" &&
        npm ci --prefix "$BENCH_DIR/npm" --no-progress >&2 &&
        remember npm scripts/bench/npm/package-lock.json
}

# install_crate NAME VERSION
install_crate() {
    if grep --quiet --no-messages "^\"$1 $2 " "$BENCH_DIR/cargo/.crates.toml"; then return; fi
    say "$1 $2, into $BENCH_DIR/cargo"
    cargo install --quiet --locked --root "$BENCH_DIR/cargo" --target-dir "$BENCH_DIR/cargo/target" --version "$2" "$1"
}

# or_without NAME COMMAND...
or_without() { "${@:2}" || echo "bench.sh: $1 cannot be installed; what needs it is left out" >&2; }

install_peers() {
    if wanted django; then or_without Django install_django; fi
    or_without "what comes from npm" install_node_packages
    if wanted dufs; then or_without dufs install_crate dufs 0.47.0; fi
    if wanted miniserve; then or_without miniserve install_crate miniserve 0.35.0; fi
    if wanted rustus; then or_without rustus install_crate rustus 0.5.10; fi
}

build() {
    local load=$BENCH_DIR/load
    if [[ ! -x $load || -n $(find scripts/bench/load -newer "$load") ]]; then
        say "The load"
        rustc -O --edition 2024 scripts/bench/load/main.rs -o "$load"
    fi
    if wanted floor; then
        say "The yardstick"
        cargo build --quiet --locked --release --manifest-path scripts/bench/floor/Cargo.toml --target-dir "$BENCH_DIR/floor-target"
        cp "$BENCH_DIR/floor-target/release/floor" "$BENCH_DIR/floor"
    fi
    if [[ -n ${SWARM_UPLOAD_BIN:-} ]]; then
        # It may be of any commit: figures then name the binary itself.
        export BENCH_BINARY=$SWARM_UPLOAD_BIN
    elif wanted swarm-upload; then
        say "The program"
        cargo build --quiet --locked --release
        SWARM_UPLOAD_BIN=$(realpath "${CARGO_TARGET_DIR:-target}/release/swarm-upload")
        export SWARM_UPLOAD_BIN
    fi
}

if [[ $measure == table ]]; then exec python3 scripts/bench/run.py "${arguments[@]}"; fi
needs=(nginx curl node npm python3 cargo rustc setpriv)
if [[ $measure == limits ]]; then needs+=(openssl); fi
for needed in "${needs[@]}"; do has "$needed" || die "$needed is not installed"; done
PG_BIN=${PG_BIN:-$(postgres_programs)}
[[ -x $PG_BIN/initdb ]] || die "PostgreSQL is not installed, or not in ${PG_BIN:-/usr/lib/postgresql}; PG_BIN names the folder of its programs"
export PG_BIN
# A word that is not right is to be told before all is built and installed.
python3 "scripts/bench/$measure.py" --check "${arguments[@]}"
mkdir -p "$BENCH_DIR"
case $measure in
    limits) peers=none ;;
    scale | cuts) peers=swarm-upload ;;
esac
build
case $measure in
    run) install_peers ;;
    cuts) install_node_packages ;;
esac
exec python3 "scripts/bench/$measure.py" "${arguments[@]}"
