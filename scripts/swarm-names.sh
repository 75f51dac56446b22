# shellcheck shell=bash
# Sourced by the scripts that deploy a stack and remove it: what belongs to it, and whether there is a Docker to ask.

die() { echo "${0##*/}: $*" >&2; exit 1; }
say() { echo "${0##*/}: $*"; }
warn() { echo "${0##*/}: warning: $*" >&2; }

# name_things STACK: exports, for stack.yml, what the stack calls the things that outlive it. A second stack has its own.
name_things() {
    local prefix="$1_"
    [[ $1 =~ ^[a-zA-Z0-9][a-zA-Z0-9_-]*$ ]] ||
        die "\"$1\" is no name for a stack: letters, digits, - and _ are allowed, and a letter or digit comes first"
    if [[ $1 == swarm-upload ]]; then prefix=; fi
    export APP_NETWORK=${APP_NETWORK:-${prefix}app_network}
    export DB_NETWORK=${DB_NETWORK:-${prefix}db_network}
    export DB_SECRET=${DB_SECRET:-$1_db_password}
    export DB_VOLUME=$1_db_data PORTAINER_VOLUME=$1_portainer_data
}

need_docker() {
    local trouble
    command -v docker >/dev/null 2>&1 ||
        die "docker is not installed, or not on the PATH: see https://docs.docker.com/engine/install/"
    trouble=$(docker version --format '{{.Server.Version}}' 2>&1 >/dev/null) || die "the Docker engine cannot be asked: $trouble
Start it (\"sudo systemctl start docker\", or Docker Desktop). Where it runs but access is denied, use sudo, or become a
member of the group docker. DOCKER_HOST and \"docker context ls\" say which engine is asked."
}

# Prints `manager`, `worker`, `none`, or what else the engine says of itself (locked, pending, error).
swarm_role() {
    local state
    state=$(docker info --format '{{.Swarm.LocalNodeState}} {{.Swarm.ControlAvailable}}' 2>/dev/null | tr -d '\r') || return
    case $state in
        "active true") echo manager ;;
        "active false") echo worker ;;
        inactive*) echo none ;;
        *) echo "${state% *}" ;;
    esac
}

exists() { docker "$1" inspect "$2" >/dev/null 2>&1; }

# One line, id and host name, for each node that is marked as the one that keeps the database; a node that is down counts.
database_nodes() {
    # shellcheck disable=SC2046  # ids
    docker node inspect $(docker node ls --quiet | tr -d '\r') \
        --format '{{index .Spec.Labels "swarm-upload.db"}} {{.ID}} {{.Description.Hostname}}' | tr -d '\r' | sed -n 's/^true //p'
}

this_node() { docker info --format '{{.Swarm.NodeID}}' | tr -d '\r'; }
