#!/usr/bin/env bash
# Removes the stack and what was made for it; see --help.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/swarm-names.sh
. scripts/swarm-names.sh

usage() {
    cat <<'TEXT'
Usage: scripts/remove-swarm.sh [--yes] [--volumes] [--leave] [--stack NAME]

Removes the stack, waits until its containers are gone, and removes its networks. Then, if told to, the volumes with all
uploads together with the password of their database; and leaves the Swarm. Before each it asks; without a terminal, what no
option says yes to is kept. What is gone already is no error. Volumes of other nodes are out of reach: while one of them keeps
the database, the secret stays too, and it is said what to do there.

  --yes         yes to the stack and its networks
  --volumes     yes to the volumes and the secret: all uploads are lost
  --leave       yes to leaving the Swarm
  --stack NAME  default swarm-upload
  --help        show this
TEXT
}

stack=swarm-upload
yes=false
volumes=false
leave=false
while [[ $# -gt 0 ]]; do
    case $1 in
        --stack)
            [[ $# -gt 1 ]] || { echo "remove-swarm.sh: --stack needs a name" >&2; exit 2; }
            stack=$2
            shift 2
            ;;
        --yes | -y) yes=true; shift ;;
        --volumes) volumes=true; shift ;;
        --leave) leave=true; shift ;;
        --help | -h) usage; exit 0 ;;
        *) echo "remove-swarm.sh: unknown option $1 (--help lists them)" >&2; exit 2 ;;
    esac
done
name_things "$stack"

# confirmed SAID_ALREADY QUESTION OPTION
confirmed() {
    local answer=
    if $1; then return; fi
    if [[ ! -t 0 ]]; then
        say "\"${2%%\?*}?\" is taken for no, without a terminal to ask at; $3 says yes"
        return 1
    fi
    read -r -p "$2 [y/N] " answer || true
    [[ $answer == [yY] || $answer == [yY][eE][sS] ]] || { say kept; return 1; }
}

# wait_until_gone WHAT SECONDS COMMAND...: until the command prints nothing.
wait_until_gone() {
    local what=$1 limit=$((SECONDS + $2)) left count before=''
    shift 2
    while :; do
        left=$("$@")
        if [[ -z $left ]]; then break; fi
        count=$(($(wc -l <<<"$left")))
        if [[ $count != "$before" ]]; then say "$count $what left"; fi
        before=$count
        [[ $SECONDS -lt $limit ]] || die "still there: $what $(tr '\r\n' '  ' <<<"$left")
Run this again in a while; \"docker ps\" and \"docker network inspect\" say what holds them."
        sleep 1
    done
}

containers() { docker ps --all --quiet --filter "label=com.docker.stack.namespace=$stack"; }
networks() { docker network ls --quiet --filter "label=com.docker.stack.namespace=$stack"; }
stack_exists() { docker stack ls --format '{{.Name}}' | tr -d '\r' | grep -x -- "$stack" >/dev/null; }

# Longer than the longest grace in stack.yml: containers of other nodes are not seen from here, but their networks are held.
network_patience=120

remove_networks() {
    local name output limit=$((SECONDS + network_patience))
    for name in "$APP_NETWORK" "$DB_NETWORK"; do
        # Another one of the same name is somebody else's.
        [[ $(docker network inspect "$name" --format '{{.Driver}}' 2>/dev/null | tr -d '\r') == overlay ]] || continue
        # Swarm counts a task as a user of its network a little longer than its container lives.
        until output=$(docker network rm "$name" 2>&1); do
            if ! exists network "$name"; then break; fi
            [[ $SECONDS -lt $limit ]] || die "the network $name cannot be removed: $output
Other containers or services may be attached: \"docker network inspect $name\" lists them."
            sleep 1
        done
        say "network $name removed"
    done
}

remove_stack() {
    local what=() name
    if stack_exists; then what+=("the stack $stack"); fi
    for name in "$APP_NETWORK" "$DB_NETWORK"; do
        if exists network "$name"; then what+=("the network $name"); fi
    done
    if [[ ${#what[@]} -eq 0 ]]; then
        say "there is no stack $stack, and none of its networks"
        # It may have been removed by hand a moment ago.
        wait_until_gone containers 180 containers
        return
    fi
    local list
    printf -v list ', %s' "${what[@]}"
    if ! confirmed $yes "Remove ${list:2}? Uploads are kept." --yes; then
        if $volumes || $leave; then die "the volumes and the Swarm stay too, while the stack does"; fi
        exit 0
    fi
    if stack_exists; then docker stack rm "$stack"; fi
    wait_until_gone containers 180 containers
    wait_until_gone "networks of the stack" "$network_patience" networks
    remove_networks
}

# Names of the other nodes that keep the database, by their label.
keepers() { database_nodes | sed -n "/^$(this_node) /!s/^[^ ]* //p" | tr '\n' ' '; }

# The secret goes with the volume: neither is of use without the other.
keep_secret() {
    say "the secret $DB_SECRET stays, as the password of the database on: ${1% }
To remove both, there: docker volume rm $DB_VOLUME $PORTAINER_VOLUME
and then here:         docker secret rm $DB_SECRET"
}

remove_volumes() {
    local name what=() elsewhere='' secret=false
    for name in "$DB_VOLUME" "$PORTAINER_VOLUME"; do
        if exists volume "$name"; then what+=("$name"); fi
    done
    if [[ $role == manager ]] && exists secret "$DB_SECRET"; then
        elsewhere=$(keepers)
        if [[ -z $elsewhere ]]; then secret=true; what+=("$DB_SECRET"); fi
    fi
    if [[ ${#what[@]} -gt 0 ]]; then
        confirmed $volumes "Remove for good: ${what[*]}? ALL UPLOADS ARE LOST." --volumes || return 0
    fi
    for name in "$DB_VOLUME" "$PORTAINER_VOLUME"; do
        if exists volume "$name"; then docker volume rm "$name" >/dev/null; say "volume $name removed"; fi
    done
    if $secret; then docker secret rm "$DB_SECRET" >/dev/null; say "secret $DB_SECRET removed"; fi
    if [[ -n $elsewhere ]]; then
        keep_secret "$elsewhere"
    elif [[ $role == manager && $(docker node ls --quiet | wc -l) -gt 1 ]]; then
        say "other nodes may have volumes of their own; there: docker volume rm $DB_VOLUME $PORTAINER_VOLUME"
    fi
}

leave_swarm() {
    local nodes others question="Leave the Swarm?"
    nodes=$(($(docker node ls --quiet | wc -l)))
    others=$(docker service ls --format '{{.Name}}' | tr '\r\n' '  ')
    if [[ $nodes -gt 1 ]]; then question+=" It has $nodes nodes, and without enough managers it is lost for all of them."; fi
    if [[ -n $others ]]; then question+=" These services end: $others"; fi
    if exists volume "$DB_VOLUME"; then
        question+=" The uploads in the volume $DB_VOLUME stay; deploy-swarm.sh on this node finds them again."
    fi
    confirmed $leave "$question" --leave || return 0
    if $leave && [[ -n $others ]]; then warn "these services end: $others"; fi
    docker swarm leave --force
}

need_docker
role=$(swarm_role) || die "\"docker info\" fails"
case $role in
    manager) remove_stack ;;
    none) say "this engine is in no Swarm: there is no stack, network or secret" ;;
    worker) die "this node is a worker: run this on a manager (\"docker node ls\" there lists them)" ;;
    *) die "the Swarm of this node is in the state \"$role\": see \"docker info\"" ;;
esac
remove_volumes
if [[ $role == manager ]]; then leave_swarm; fi
