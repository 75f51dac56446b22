#!/usr/bin/env bash
# Shows, and judges, how requests are spread over the replicas; see --help.
set -euo pipefail

usage() {
    cat <<'TEXT'
Usage: scripts/test-load-balancing.sh [--requests N] [--concurrency C] [--url URL]
       scripts/test-load-balancing.sh --watch [--seconds S] [--concurrency C] [--url URL]

Asks /frontend-info/ which frontend and which backend answered: first a few times one after the other, as one would by
hand, then N times in all, and shows how many answers each replica gave. Each request is a connection of its own.

  --requests N     default 100, or ten for each replica if that is more; fewer than that say nothing and are refused
  --concurrency C  how many ask at the same time (default 4)
  --url URL        default http://localhost:8080
  --watch          asks until Ctrl-C, to be run during an update: each second one line with the requests so far, how many of
                   them failed, and which versions answer
  --seconds S      ends --watch by itself
  --help           show this

It is balanced when no request failed and each frontend, and each backend, that was ready from the beginning to the end got
between half and double its even share. A replica that came or went is shown and not judged. /frontend-info/ without a
backend is a failed request, and so is one that takes longer than ten seconds. With --watch only failures are judged.

Exit status: 0 balanced, 1 not, 2 a wrong option. Needs bash, curl and jq.
Environment: HTTP_PORT  the port of the default URL (default 8080)
TEXT
}

wrong() { echo "test-load-balancing.sh: $*" >&2; exit 2; }
die() { echo "test-load-balancing.sh: $*" >&2; exit 1; }

requests=
concurrency=4
url=http://localhost:${HTTP_PORT:-8080}
watch=false
seconds=
while [[ $# -gt 0 ]]; do
    case $1 in
        --requests | --concurrency | --url | --seconds)
            [[ $# -gt 1 ]] || wrong "$1 needs a value"
            if [[ $1 != --url && ! $2 =~ ^[1-9][0-9]{0,6}$ ]]; then wrong "$1 $2: a number from 1 to 9999999 is wanted"; fi
            case $1 in
                --requests) requests=$2 ;;
                --concurrency) concurrency=$2 ;;
                --url) url=${2%/} ;;
                --seconds) seconds=$2 ;;
            esac
            shift 2
            ;;
        --watch) watch=true; shift ;;
        --help | -h) usage; exit 0 ;;
        *) wrong "unknown option $1 (--help lists them)" ;;
    esac
done
if $watch && [[ -n $requests ]]; then wrong "--watch has no --requests: it ends with Ctrl-C or after --seconds"; fi
if ! $watch && [[ -n $seconds ]]; then wrong "--seconds goes with --watch"; fi

for tool in curl jq; do
    command -v "$tool" >/dev/null 2>&1 || die "$tool is not installed. Debian, Ubuntu: sudo apt-get install $tool; macOS: brew install $tool; Windows: winget install $([[ $tool == jq ]] && echo jqlang.jq || echo cURL.cURL)"
done

folder=$(mktemp -d "${TMPDIR:-/tmp}/test-load-balancing.XXXXXX")
trap 'rm -rf "$folder"' EXIT
# Workers ask as long as this is there.
touch "$folder/go" "$folder/answers" "$folder/backend-answers"

# jq of Windows ends its lines as Windows does.
jq() { command jq "$@" | tr -d '\r'; }

# Prints one line: what was answered, or curl's complaint, and the status. A process, so a name lookup, for each.
ask() {
    local answer
    answer=$(curl -sS --connect-timeout 5 --max-time 10 -w '\n%{http_code}' "$url$1" 2>&1) || true
    printf '%s\n' "${answer//[$'\r\n']/ }"
}

# worker COUNT PAUSE: COUNT 0 is no limit.
worker() {
    local left=$1
    # When the script was killed and could not remove the file, its process is gone.
    while [[ -e $folder/go ]] && kill -0 $$ 2>/dev/null; do
        ask /frontend-info/
        left=$((left - 1))
        if [[ $left -eq 0 ]]; then return; fi
        if [[ $2 != 0 ]]; then sleep "$2"; fi
    done
} >>"$folder/answers" 2>/dev/null

# What the lines of `ask` say: one object for each, with either `failed` or the replicas that answered.
# shellcheck disable=SC2016  # the variables are jq's
read_answers='
    def answers:
        inputs | capture("^(?<text>.*) (?<status>[0-9]{3}) *$")? // {text: ., status: "000"}
        | .status as $status | .text as $text | ((.text | fromjson?) // null) as $body
        | if $status != "200" then {failed: (
                if $status == "000" then $text
                else "status \($status)" + (try ": \($body.detail // empty)" catch "") end)}
          elif ($body | type) != "object" then {failed: "an answer that is not JSON: \($text[:80])"}
          elif $body.backend_container_id == null then {failed: "no backend: \($body.backend_error // "no reason given")"}
          else {frontend: $body.frontend, backend: ($body.backend // $body)} end;
    def named: "\(.container_id)\(if .task_slot then " (slot \(.task_slot)" + (if .node then " on \(.node))" else ")" end) else "" end)";
'

fetch_replicas() {
    local line status body
    line=$(ask /api/replicas)
    status=${line##* }
    body=${line% *}
    if [[ $status == 000 ]]; then
        die "nothing answers at $url: $body
Is the stack up? \"docker stack services swarm-upload\" tells, scripts/deploy-swarm.sh deploys it; --url names another address."
    fi
    if [[ $status != 200 ]] || ! jq -e '.replicas | arrays' <<<"$body" >"$folder/replicas" 2>/dev/null; then
        die "GET $url/api/replicas answered with status $status and not with a list of replicas: ${body:0:200}
Is this swarm-upload, and are its backends up? \"docker stack services swarm-upload\" tells."
    fi
    mv "$folder/replicas" "$folder/$1"
}

# table_rows BEFORE AFTER: a line for each replica, `role id node slot version requests percent verdict`, with tabs between.
# Without the lists of replicas (null) nothing is judged.
table_rows() {
    # shellcheck disable=SC2016
    jq -Rrn --argjson before "$1" --argjson after "$2" "$read_answers"'
        [answers] as $answers
        | ("frontend", "backend") as $role
        | ([$before, $after | arrays | [.[] | select(.role == $role and .state == "ready")]]) as $lists
        | ([$lists[][] | .container_id]) as $ids
        | (if $before then [$lists[0][].container_id | select(. as $id | [$lists[1][].container_id] | index([$id]))] else [] end) as $steady
        | [$answers[][$role] | values] as $answered
        | ($answered | group_by(.container_id) | map({key: .[0].container_id, value: length}) | from_entries) as $counts
        | ([$steady[] | $counts[.] // 0] | add // 0) as $to_steady
        | (if $before and ($steady | length) == 0 then "\($role)\t-\t-\t-\t-\t0\t0\tnone was ready all the time" else empty end), (
            [$answered[], $lists[][]] | unique_by(.container_id) | sort_by(.node // "", .task_slot // 0, .container_id)[]
            | .container_id as $id | ($counts[$id] // 0) as $count
            | (if $before == null then ""
               elif $steady | index([$id]) == null then "came or went"
               elif $count == 0 then "got nothing"
               elif $count * ($steady | length) * 2 < $to_steady then "too few"
               elif $count * ($steady | length) > $to_steady * 2 then "too many"
               else "" end) as $verdict
            | [$role, $id, .node // "-", .task_slot // "-", .version, $count,
               (if $answered | length > 0 then 100 * $count / ($answered | length) else 0 end | round), $verdict]
            | map(tostring) | join("\t"))' <"$folder/answers"
}

print_tables() {
    local role id node slot version count percent verdict heading='' bar
    if [[ -z $1 ]]; then return; fi
    while IFS=$'\t' read -r role id node slot version count percent verdict; do
        if [[ $role != "$heading" ]]; then
            printf '\n%-13s %-14s %4s  %-12s %8s\n' "$role" node slot version requests
            heading=$role
        fi
        printf -v bar '%*s' $((percent * 2 / 5)) ''
        printf '%-13s %-14s %4s  %-12s %8d %3d %%  %s\n' "$id" "$node" "$slot" "$version" "$count" "$percent" "${bar// /#}${verdict:+ $verdict}"
    done <<<"$1"
}

# Each cause of failures once, after how often it was.
failures() {
    jq -Rrn "$read_answers"'answers | .failed // empty' <"$folder/$1" >"$folder/failed"
    sort "$folder/failed" | uniq -c | sort -rn | sed -n '1,5s/^ *\([0-9]*\) /  \1 times: /p'
}

watch_it() {
    local begin=$SECONDS seen=0 all failed=0 now stopped=false
    trap 'stopped=true' INT TERM HUP
    echo "Asking $url/frontend-info/ $concurrency at a time; $([[ -n $seconds ]] && echo "for $seconds s" || echo "Ctrl-C ends it")."
    for ((i = 0; i < concurrency; i++)); do worker 0 0.1 & done
    while ! $stopped && [[ -z $seconds || $((SECONDS - begin)) -lt $seconds ]]; do
        sleep 1 || true
        all=$(wc -l <"$folder/answers")
        # To the end of the file, which grows meanwhile: who stops before has a writer that cannot go on.
        now=$(awk -v seen="$seen" -v all="$((all))" 'NR > seen && NR <= all' "$folder/answers" | jq -Rrn "$read_answers"'
            [answers] as $answers
            | def versions($role): [$answers[][$role] | values] | group_by(.version)
                | map("\(.[0].version) from \(map(.container_id) | unique | length)") | join(", ") | if . == "" then "none" else . end;
            "\([$answers[] | select(.failed)] | length) frontends: \(versions("frontend")); backends: \(versions("backend"))"')
        seen=$((all))
        failed=$((failed + ${now%% *}))
        printf '%s %5d s %7d requests %5d failed   %s\n' "$(date +%H:%M:%S)" $((SECONDS - begin)) "$seen" "$failed" "${now#* }"
    done
    rm -f "$folder/go"
    # A second signal ends the waiting for the last answers.
    wait || true
}

if $watch; then
    watch_it
    rows=$(table_rows null null)
    print_tables "$rows"
    causes=$(failures answers)
    total=$(($(wc -l <"$folder/answers")))
    failed=$(($(wc -l <"$folder/failed")))
    printf '\n%d requests, %d failed\n' "$total" "$failed"
    if [[ -n $causes ]]; then echo "$causes"; fi
    [[ $total -gt 0 && $failed -eq 0 ]]
    exit
fi

# A replica reports itself twice a second: one that has just got ready is not listed so at once.
for _ in {1..5}; do
    fetch_replicas before
    if jq -e '[.[] | select(.state == "ready") | .role] | unique | length == 2' "$folder/before" >/dev/null; then break; fi
    sleep 1
done
most=$(jq -r '[.[] | select(.state == "ready")] | group_by(.role) | map(length) | max // 0' "$folder/before")
if [[ -z $requests ]]; then
    requests=$((most * 10 > 100 ? most * 10 : 100))
elif [[ $requests -lt $((most * 10)) ]]; then
    wrong "--requests $requests is too few to judge $most replicas of a kind: at least $((most * 10)) are needed, ten for each"
fi

begin=$SECONDS
handful=6
echo "\$ for i in {1..$handful}; do curl -s $url/frontend-info/ | jq .frontend_container_id,.backend_container_id; done"
for ((i = 0; i < handful; i++)); do ask /frontend-info/; done >>"$folder/answers"
jq -Rrn "$read_answers"'answers | if .failed then "  failed: \(.failed)" else "  frontend \(.frontend | named)   backend \(.backend | named)" end' <"$folder/answers"
echo "\$ for i in {1..$handful}; do curl -s $url/api/backend-info/ | jq .backend_container_id; done"
for ((i = 0; i < handful; i++)); do ask /api/backend-info/; done >>"$folder/backend-answers"
jq -Rrn "$read_answers"'answers | if .failed then "  failed: \(.failed)" else "  backend \(.backend | named)" end' <"$folder/backend-answers"

for ((i = 0; i < concurrency; i++)); do
    share=$(((requests - handful + i) / concurrency))
    if [[ $share -gt 0 ]]; then worker "$share" 0 & fi
done
wait
fetch_replicas after
rows=$(table_rows "$(<"$folder/before")" "$(<"$folder/after")")
print_tables "$rows"

of_backends=$(failures backend-answers)
causes=$(failures answers)
failed=$(($(wc -l <"$folder/failed")))
unfair=$(awk -F '\t' '$8 != "" && $8 != "came or went" {print "  " $1 " " $2 ": " $8}' <<<"$rows")
of_role() { awk -F '\t' -v role="$1" '$1 == role && $6 > 0' <<<"$rows" | wc -l | tr -d ' '; }
verdict=balanced
if [[ -n $unfair$of_backends || $failed -gt 0 ]]; then verdict="NOT balanced"; fi
printf '\n%s: %d requests in %d s, %d failed (frontends that answered: %s, backends: %s)\n' \
    "$verdict" $(($(wc -l <"$folder/answers"))) $((SECONDS - begin)) "$failed" "$(of_role frontend)" "$(of_role backend)"
if [[ -n $causes ]]; then echo "$causes"; fi
if [[ -n $of_backends ]]; then printf '  /api/backend-info/ failed:\n%s\n' "$of_backends"; fi
if [[ -n $unfair ]]; then echo "$unfair"; fi
[[ $verdict == balanced ]]
