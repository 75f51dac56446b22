#!/usr/bin/env bash
# Waits until a stack is what it was told to be; see --help.
set -euo pipefail
# sort and join agree on an order.
export LC_ALL=C

usage() {
    cat <<'TEXT'
Usage: scripts/wait-for-stack.sh [--stack NAME] [--timeout SECONDS]

Waits until each service of the stack has converged: as many tasks run as are wanted, no update goes on, and that for three
seconds. After a deploy, a scale, an update or a "docker service rollback". An update that Swarm rolls back is a failure, and
so is the end of the time: then it shows what the tasks died of, and exits with 1.

  --stack NAME       default swarm-upload
  --timeout SECONDS  default 300
  --help             show this
TEXT
}

die() { echo "wait-for-stack.sh: $*" >&2; exit 1; }

stack=swarm-upload
timeout=300
while [[ $# -gt 0 ]]; do
    case $1 in
        --stack | --timeout)
            [[ $# -gt 1 ]] || { echo "wait-for-stack.sh: $1 needs a value" >&2; exit 2; }
            if [[ $1 == --stack ]]; then stack=$2; else timeout=$2; fi
            shift 2
            ;;
        --help | -h) usage; exit 0 ;;
        *) echo "wait-for-stack.sh: unknown option $1 (--help lists them)" >&2; exit 2 ;;
    esac
done
[[ $timeout =~ ^[1-9][0-9]*$ ]] || { echo "wait-for-stack.sh: --timeout $timeout: a number of seconds is wanted" >&2; exit 2; }
command -v docker >/dev/null 2>&1 || die "docker is not installed, or not on the PATH: see https://docs.docker.com/engine/install/"

# A template for the state of a service's last update, if there was one. Swarm's own rollback and one that somebody asked for
# differ only in what is said of them.
state='{{if .UpdateStatus}} {{.UpdateStatus.State}}{{if eq .UpdateStatus.Message "manually requested rollback"}}_by_hand{{end}}{{end}}'

# One line per service: name, running/wanted, and that state.
look() {
    local counts updates
    counts=$(docker stack services "$stack" --format '{{.Name}} {{.Replicas}}' | tr -d '\r' | sort -k 1,1) || return
    if [[ -z $counts ]]; then return; fi
    # shellcheck disable=SC2046  # a name of a service has no spaces
    updates=$(docker service inspect $(cut -d ' ' -f 1 <<<"$counts") \
        --format "{{.Spec.Name}}$state" | tr -d '\r' | sort -k 1,1) || return
    # What Docker says after the counts ("max 1 per node") is none of our business.
    join <(cut -d ' ' -f 1,2 <<<"$counts") <(echo "$updates")
}

converged() { [[ $1 == "${1%/*}/${1%/*}" && ( -z $2 || $2 == completed || $2 == rollback_completed ) ]]; }

# Redrawn on a terminal; elsewhere a line for each service that changed.
drawn=0
before=
show() {
    local name count update line
    if [[ -t 1 && $drawn -gt 0 ]]; then printf '\033[%dA' "$drawn"; drawn=0; fi
    while read -r name count update; do
        line="$name $count $update"
        if [[ -t 1 ]]; then
            printf '\033[K%5d s  %-28s %s\n' "$SECONDS" "$name" "$count${update:+  $update}"
            drawn=$((drawn + 1))
        elif ! grep -qxF -- "$line" <<<"$before"; then
            printf '%5d s  %-28s %s\n' "$SECONDS" "$name" "$count${update:+  $update}"
        fi
        before=$(grep -v "^$name " <<<"$before" || true; echo "$line")
    done <<<"$1"
}

# What the tasks of a service died of, or what they wait for.
explain() {
    local tasks
    tasks=$(docker service ps --no-trunc --format '{{.Error}}|{{.Name}} on {{.Node}}: {{.CurrentState}}' "$1" | tr -d '\r' || true)
    echo "$1:"
    if grep -q '^[^|]' <<<"$tasks"; then
        sed -n 's/^\([^|][^|]*\)|\(.*\)/  \2: \1/p' <<<"$tasks" | head -n 5
    else
        head -n 5 <<<"${tasks//|/  }"
    fi
    echo "  its log: docker service logs --tail 50 $1"
}

stable=0
# Names of the services that were seen to be updated: a rollback that was over before is history.
updating=" "
while :; do
    now=$(look) || die "Docker cannot be asked for the stack $stack (see above): is this node a manager of a swarm?"
    [[ -n $now ]] || die "there is no stack $stack: \"docker stack ls\" lists what there is, scripts/deploy-swarm.sh makes it"
    show "$now"
    waiting=()
    while read -r name count update; do
        failed=false
        case $update in
            updating) if [[ $updating != *" $name "* ]]; then updating+="$name "; fi ;;
            rollback_started_by_hand) updating=${updating//" $name "/ } ;;
            rollback_completed) if [[ $updating == *" $name "* ]]; then failed=true; fi ;;
            rollback_* | paused) failed=true ;;
        esac
        if $failed; then
            {
                echo "wait-for-stack.sh: the update of $name failed ($update); Swarm goes back to what ran before."
                explain "$name"
            } >&2
            exit 1
        fi
        converged "$count" "$update" || waiting+=("$name")
    done <<<"$now"
    if [[ ${#waiting[@]} -eq 0 ]]; then stable=$((stable + 1)); else stable=0; fi
    # Swarm begins an update a moment after it was told to: a single look may be too early to see it.
    if [[ $stable -gt 3 ]]; then break; fi
    if [[ $SECONDS -ge $timeout && $stable -eq 0 ]]; then
        {
            echo "wait-for-stack.sh: not converged after $timeout s: ${waiting[*]}"
            for name in "${waiting[@]}"; do explain "$name"; done
            echo "It goes on by itself once the cause is gone; --timeout waits longer."
        } >&2
        exit 1
    fi
    sleep 1
done
echo "converged in $SECONDS s"
