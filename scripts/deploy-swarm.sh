#!/usr/bin/env bash
# Deploys the stack, with all that it needs; see --help.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/swarm-names.sh
. scripts/swarm-names.sh

usage() {
    cat <<'TEXT'
Usage: scripts/deploy-swarm.sh [--prepare] [--tag TAG] [--stack NAME] [--no-build] [--timeout SECONDS]

Makes this engine a Swarm, if it is none; makes the networks and the secret of stack.yml; builds both images, deploys the
stack and waits until it runs. What is there already stays as it is: to run it again changes nothing.

  --prepare          only the Swarm, the networks, the secret and the mark of the node that keeps the database, so that
                     "docker stack deploy -c stack.yml swarm-upload" works
  --tag TAG          of both images (default: IMAGE_TAG, or latest)
  --stack NAME       default swarm-upload. Another one gets networks and a secret of its own, named after it; beside the first
                     it needs other ports: HTTP_PORT=8081 PORTAINER_PORT=9001
  --no-build         the images are there
  --timeout SECONDS  how long it may take to come up (default 300)
  --help             show this

Environment: all variables of stack.yml (its first lines list them), and
             REGISTRY           put before the names of the images, as in registry.example/team/; they are pushed there. More
                                nodes than one need it
             ADVERTISE_ADDR     the address at which other nodes reach this one, for "docker swarm init"
             OVERLAY_ENCRYPTED  true (default), or false where the kernel cannot (no ESP): tasks do not start then, or do
                                not reach each other
TEXT
}

stack=swarm-upload
prepare=false
build=true
timeout=300
export IMAGE_TAG=${IMAGE_TAG:-latest}
while [[ $# -gt 0 ]]; do
    case $1 in
        --tag | --stack | --timeout)
            [[ $# -gt 1 && -n $2 ]] || { echo "deploy-swarm.sh: $1 needs a value" >&2; exit 2; }
            case $1 in
                --tag) IMAGE_TAG=$2 ;;
                --stack) stack=$2 ;;
                --timeout) timeout=$2 ;;
            esac
            shift 2
            ;;
        --prepare) prepare=true; shift ;;
        --no-build) build=false; shift ;;
        --help | -h) usage; exit 0 ;;
        *) echo "deploy-swarm.sh: unknown option $1 (--help lists them)" >&2; exit 2 ;;
    esac
done
[[ $timeout =~ ^[1-9][0-9]*$ ]] || { echo "deploy-swarm.sh: --timeout $timeout: a number of seconds is wanted" >&2; exit 2; }
encrypted=${OVERLAY_ENCRYPTED:-true}
case $encrypted in true | false) ;; *) die "OVERLAY_ENCRYPTED=$encrypted: true or false is wanted" ;; esac
name_things "$stack"
export REGISTRY=${REGISTRY:-}
if [[ -n $REGISTRY && $REGISTRY != */ ]]; then REGISTRY=$REGISTRY/; fi
app_image=${REGISTRY}swarm-upload:$IMAGE_TAG
nginx_image=${REGISTRY}swarm-upload-nginx:$IMAGE_TAG

be_a_manager() {
    local role output
    role=$(swarm_role) || die "\"docker info\" fails"
    case $role in
        manager) ;;
        none)
            output=$(docker swarm init ${ADVERTISE_ADDR:+--advertise-addr "$ADVERTISE_ADDR"} 2>&1) || {
                echo "$output" >&2
                case $output in
                    *"multiple addresses"* | *"could not choose an IP"* | *"could not find the system's IP"*)
                        die "choose the address at which other nodes reach this one: ADVERTISE_ADDR=192.0.2.1 $0" ;;
                    *) die "\"docker swarm init\" failed (see above)" ;;
                esac
            }
            say "this engine is a Swarm now"
            ;;
        worker) die "this node is a worker: run this on a manager (\"docker node ls\" there lists them), or make this one a
manager: \"docker node promote $(docker info --format '{{.Name}}')\" on a manager" ;;
        locked) die "the Swarm of this node is locked: \"docker swarm unlock\" opens it" ;;
        *) die "the Swarm of this node is in the state \"$role\": see \"docker info\"; \"docker swarm leave --force\" begins anew" ;;
    esac
}

# overlay NAME OPTION...: an overlay network, as stack.yml wants it.
overlay() {
    local name=$1 found anew="remove the stack and the network (scripts/remove-swarm.sh --stack $stack --yes) and deploy again"
    shift
    if found=$(docker network inspect "$name" \
        --format '{{.Driver}} {{.Scope}} {{if .Attachable}}attachable {{end}}{{range $name, $_ := .Options}}{{$name}} {{end}}' 2>/dev/null); then
        case $found in
            "overlay swarm "*) ;;
            *) die "there is a network $name already, and it is none of a Swarm (driver and scope: $found).
Remove it (\"docker network rm $name\") if nobody needs it, or let the stack use other names: APP_NETWORK and DB_NETWORK." ;;
        esac
        if $encrypted && [[ " $found " != *" encrypted "* ]]; then
            warn "the network $name is there and not encrypted. It stays as it is: to encrypt it,
$anew; OVERLAY_ENCRYPTED=false says that it need not be."
        fi
        if [[ " $* " == *" --attachable "* && " $found " != *" attachable "* ]]; then
            warn "the network $name was made without --attachable: \"docker run --network $name\", to look into it, is refused.
It stays as it is: to mend it, $anew."
        fi
        return
    fi
    if $encrypted; then set -- "$@" --opt encrypted; fi
    docker network create --driver overlay "$@" "$name" >/dev/null
    say "network $name made ($($encrypted && echo encrypted || echo "not encrypted"))"
}

# The database of a stack that was removed, whose Swarm, and with it the password, is gone. Whoever has the volume may set
# another one: PostgreSQL alone on its files. Nothing must run on them meanwhile.
adopt_database() {
    local answer image
    image=$(sed -n 's/^ *image: \(postgres:[^ ]*\)$/\1/p' stack.yml)
    [[ -z $(docker ps --quiet --filter "volume=$DB_VOLUME") ]] ||
        die "a container uses the volume $DB_VOLUME, and the secret $DB_SECRET with its password is gone: stop it first"
    # shellcheck disable=SC2016  # the inner shell's variables
    answer=$(echo "ALTER ROLE swarm_upload PASSWORD '$1'" | MSYS_NO_PATHCONV=1 docker run --rm --interactive \
        --network none --user 999:999 --volume "$DB_VOLUME:/var/lib/postgresql/data" --entrypoint sh "$image" -c '
            data=/var/lib/postgresql/data/pgdata
            if ! test -s $data/PG_VERSION; then echo "no database"; exit; fi
            postgres --single -D $data swarm_upload >/dev/null && echo adopted' 2>&1) || true
    case $answer in
        *ERROR:* | *FATAL:* | *PANIC:*) ;;
        *"no database"*) return ;;
        *adopted*) say "the database in the volume $DB_VOLUME, with all uploads, got a new password, since the former is lost"; return ;;
    esac
    echo "${answer//"$1"/…}" >&2
    die "the volume $DB_VOLUME has a database whose password (the secret $DB_SECRET) is lost, and no new one could be set.
\"scripts/remove-swarm.sh --volumes\" removes it with all uploads."
}

make_secret() {
    local password
    if exists secret "$DB_SECRET"; then return; fi
    password=$(od -An -tx1 -N 32 /dev/urandom | tr -d ' \r\n')
    if exists volume "$DB_VOLUME"; then adopt_database "$password"; fi
    printf %s "$password" | docker secret create "$DB_SECRET" - >/dev/null
    say "secret $DB_SECRET made"
}

# Before the secret is made: one that is there already tells of a database.
mark_node() {
    local marked node
    marked=$(database_nodes)
    if [[ -n $marked ]]; then return; fi
    node=$(this_node)
    if exists secret "$DB_SECRET" && ! exists volume "$DB_VOLUME"; then
        die "no node is marked as the one that keeps the database. There has been one, since the secret $DB_SECRET exists, but
its volume $DB_VOLUME is not here: its node has left the Swarm. On this node the database would start empty. Either
- let that node join again (\"docker swarm join-token worker\" says how), and mark it, NODE being its name in \"docker node ls\":
  docker node update --label-add swarm-upload.db=true NODE
- or bring the volume $DB_VOLUME to this node, and run this again
- or, if an empty database is wanted: docker node update --label-add swarm-upload.db=true $node"
    fi
    docker node update --label-add swarm-upload.db=true "$node" >/dev/null
    say "this node keeps the database (label swarm-upload.db=true)"
}

build_images() {
    local revision='' image
    if $build; then
        # Outside a clone, the repository that the folder may lie in says nothing of it.
        if [[ -e .git ]]; then revision=$(git rev-parse --short=12 HEAD 2>/dev/null || true); fi
        say "building $app_image; the first time that takes some minutes"
        # An attestation would make another image of the same contents each time, and each deploy an update.
        export BUILDX_NO_DEFAULT_ATTESTATIONS=1
        docker build -t "$app_image" --build-arg "GIT_REVISION=$revision" .
        docker build -t "$nginx_image" -f nginx/Dockerfile .
        if [[ -n $REGISTRY ]]; then
            docker push "$app_image"
            docker push "$nginx_image"
        fi
    elif [[ -z $REGISTRY ]]; then
        for image in "$app_image" "$nginx_image"; do
            exists image "$image" || die "the image $image is not there: without --no-build it is built"
        done
    fi
    if [[ -z $REGISTRY && $(docker node ls --quiet | wc -l) -gt 1 ]]; then
        warn "the images are on this node alone, and the other nodes need them: set REGISTRY to a registry that all nodes reach,
or build both images on each node."
    fi
}

of_service() { docker service inspect "$1" --format "$2" 2>/dev/null | tr -d '\r' || true; }

# Succeeds if a container of the service runs an image of this name but of an earlier build.
runs_earlier_build() {
    local container wanted
    wanted=$(docker image inspect "$2" --format '{{.Id}}' | tr -d '\r')
    for container in $(docker ps --quiet --filter "label=com.docker.swarm.service.name=$1" | tr -d '\r'); do
        if [[ $(docker inspect "$container" --format '{{.Config.Image}} {{.Image}}' | tr -d '\r') != "$2 $wanted" ]]; then return; fi
    done
    return 1
}

# update_without_registry SERVICE IMAGE BEFORE: for Swarm an image of the same name is the same image, and a name that
# "docker service update" has set stays while that in the stack file does not change: it has to be told.
update_without_registry() {
    if [[ $(of_service "$1" '{{.Spec.TaskTemplate.ContainerSpec.Image}}') != "$2" ]]; then
        docker service update --detach --no-resolve-image --image "$2" "$1" >/dev/null
        say "$1 goes back to the image $2"
    elif [[ $(of_service "$1" '{{json .Spec.TaskTemplate}}') == "$3" ]] && runs_earlier_build "$1" "$2"; then
        docker service update --detach --force --no-resolve-image "$1" >/dev/null
        say "$1 is updated to the image that was just built"
    fi
}

deploy() {
    local how=() short service image before=() turn=0
    if [[ $(docker stack deploy --help) == *--detach* ]]; then how+=(--detach=true); fi
    if [[ -n $REGISTRY ]]; then
        docker stack deploy ${how[@]+"${how[@]}"} --with-registry-auth -c stack.yml "$stack"
        return
    fi
    for short in nginx frontend backend; do before+=("$(of_service "${stack}_$short" '{{json .Spec.TaskTemplate}}')"); done
    # No registry has these images, so none is asked what they are.
    docker stack deploy ${how[@]+"${how[@]}"} --resolve-image never -c stack.yml "$stack"
    for short in nginx frontend backend; do
        service=${stack}_$short
        image=$app_image
        if [[ $short == nginx ]]; then image=$nginx_image; fi
        update_without_registry "$service" "$image" "${before[turn]}"
        turn=$((turn + 1))
    done
}

need_docker
be_a_manager
overlay "$APP_NETWORK" --attachable
overlay "$DB_NETWORK"
mark_node
make_secret
if $prepare; then
    names=
    if [[ "$APP_NETWORK $DB_NETWORK $DB_SECRET" != "app_network db_network swarm-upload_db_password" ]]; then
        names="APP_NETWORK=$APP_NETWORK DB_NETWORK=$DB_NETWORK DB_SECRET=$DB_SECRET "
    fi
    say "prepared. Next: ${names}docker stack deploy -c stack.yml $stack"
    exit
fi

if [[ ${PUBLISH_MODE:-ingress} == host ]]; then
    export NGINX_REPLICAS=${NGINX_REPLICAS:-1} NGINX_UPDATE_ORDER=${NGINX_UPDATE_ORDER:-stop-first}
    say "PUBLISH_MODE=host: NGINX_REPLICAS=$NGINX_REPLICAS, NGINX_UPDATE_ORDER=$NGINX_UPDATE_ORDER, since two tasks cannot share a port"
fi
build_images
deploy
scripts/wait-for-stack.sh --stack "$stack" --timeout "$timeout"

cat <<TEXT

  http://localhost:${HTTP_PORT:-8080}   swarm-upload
  http://localhost:${PORTAINER_PORT:-9000}   Portainer: set its password within five minutes, after that it wants to be started
                          anew: docker service update --force ${stack}_portainer

Try: scripts/test-load-balancing.sh
TEXT
