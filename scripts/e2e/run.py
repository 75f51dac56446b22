#!/usr/bin/env python3
"""Tests the stack on a real Docker Swarm, under load.

Builds the two images by their Dockerfiles, deploys stack.yml by scripts/deploy-swarm.sh, then scales, kills and updates it
while clients count every request that fails, deploys it anew in a new swarm, and removes it. Uses the Docker engine that runs,
if it is in no swarm; else starts one of its own (needs root and Debian's docker.io, mmdebstrap, iptables and iproute2) and
takes it down again."""

import argparse
import signal
import subprocess
import sys
import time
import traceback

import builds
import images
import kernel
from cases import containers, database, deploying, killing, published, removing, replicas, scaling, tutorial, updating
from daemon import OwnEngine
from engine import Engine, Failed
from stack import NAME, Stack

CASES = [
    deploying.deployed_again_a_stack_goes_on_as_it_is,
    replicas.requests_are_spread_evenly_as_the_script_for_users_shows,
    replicas.every_replica_answers_under_load_with_the_id_that_docker_ps_prints,
    containers.processes_have_no_privileges_and_a_root_that_is_read_only,
    containers.containers_have_limits_and_logs_that_are_rotated,
    containers.portainer_has_the_socket_and_a_volume,
    containers.the_secret_is_a_file_and_in_no_environment,
    containers.only_backends_reach_the_database,
    containers.the_logs_of_each_service_have_a_line_a_request_with_container_and_request_id,
    containers.a_request_can_be_followed_from_the_edge_to_the_database_by_its_id,
    scaling.scaling_up_and_down_fails_no_request,
    killing.a_killed_backend_is_replaced_and_no_request_fails,
    killing.a_killed_frontend_fails_only_what_was_inside_it,
    killing.a_killed_nginx_fails_only_what_was_inside_it,
    database.a_killed_database_restarts_nobody_and_uploads_go_on,
    updating.a_rolling_update_of_every_service_fails_no_request,
    updating.an_image_that_never_gets_healthy_or_ready_is_rolled_back_and_no_request_fails,
    deploying.deployed_again_only_what_differs_is_updated,
    deploying.uploads_outlive_their_swarm_and_the_password_that_it_kept,
    published.the_published_ports_answer_and_no_request_of_a_load_fails,
    removing.nothing_is_left_of_a_stack_that_is_removed,
    removing.no_empty_database_is_begun_while_there_is_one_elsewhere,
]
# Begins with an engine that is in no swarm.
ALONE = [tutorial.every_command_of_the_tutorial_works, removing.what_the_tutorial_keeps_is_removed]


def say(text):
    print(text, flush=True)


def title(case):
    return case.__name__.replace("_", " ")


def run(cases, stack):
    """Runs every case, also after one failed. Returns how many passed and failed."""
    passed = failed = 0
    for case in cases:
        begun = time.monotonic()
        try:
            seen = case(stack)
            passed += 1
            say(f"ok {title(case)} ({time.monotonic() - begun:.0f} s)\n{indented(seen)}")
        except Exception:
            failed += 1
            say(f"FAILED {title(case)} ({time.monotonic() - begun:.0f} s)\n{indented(traceback.format_exc())}")
    return passed, failed


def indented(text):
    return "\n".join(f"    {line}" for line in str(text).splitlines())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", metavar="WORD", help="only the cases with this word in their name")
    parser.add_argument("--tutorial", action="store_true", help="also every command of docs/TUTORIAL.md, which takes ten minutes")
    parser.add_argument("--keep", action="store_true", help="leave the engine and the stack running, and say where")
    options = parser.parse_args()
    cases, alone = (
        [case for case in some if not options.only or options.only in case.__name__]
        for some in (CASES, ALONE if options.tutorial else []))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    engine = find_engine()
    if not isinstance(engine, OwnEngine) and (trouble := in_use(engine)):
        sys.exit(f"run.py: {trouble}")
    passed, failed, stand_ins = 0, 1, []
    try:
        images.prepare(engine, say, stand_ins)
        passed, failed = run_all(prepare(engine), cases, alone)
    except (Failed, subprocess.TimeoutExpired) as error:
        say(f"FAILED {error}")
    finally:
        if options.keep:
            say(f"Kept: DOCKER_HOST={engine.environment.get('DOCKER_HOST', '')}")
        else:
            take_down(engine, stand_ins)
    return report(passed, failed)


def find_engine():
    """The engine that runs here, or else one of the test's own."""
    engine = Engine()
    try:
        return engine if engine.answers() else OwnEngine()
    except Failed as error:
        sys.exit(f"{sys.argv[0]}: {error}")


def in_use(engine):
    """Why an engine that runs here is not one to make and remove the stack on, or None."""
    if engine.in_swarm():
        return "the Docker engine here is in a swarm, and this test makes and leaves one. Use another, with DOCKER_HOST"
    if volumes := engine.lines("volume", "ls", "--quiet", "--filter", f"name={NAME}_"):
        return f"the Docker engine here has the volumes {' and '.join(volumes)}, and this test removes such at its end"
    return None


def report(passed, failed):
    """Prints the last line, which scripts/test.sh counts by. Returns the exit status."""
    say(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


def prepare(engine):
    """From an engine with the base images to a stack that has converged, as a user goes."""
    stack = Stack(engine, kernel.encryption())
    say(stack.script("scripts/deploy-swarm.sh", timeout=2400))
    builds.next_version(engine)
    builds.bad(engine)
    for name in ("swarm-upload", "swarm-upload-nginx"):
        size = int(engine.read("image", "inspect", "--format", "{{.Size}}", f"{name}:latest"))
        say(f"{name}:latest has {size / 1e6:.1f} MB")
    return stack


def run_all(stack, cases, alone):
    passed, failed = run(cases, stack)
    if alone:
        if stack.engine.in_swarm():
            remove(stack)
        more = run(alone, Stack(stack.engine, {**kernel.encryption(), **kernel.publishing()}))
        passed, failed = passed + more[0], failed + more[1]
    return passed, failed


def remove(stack):
    """Takes everything away that a deployment made, as a user does."""
    return stack.script("scripts/remove-swarm.sh", "--yes", "--volumes", "--leave", expect=None)


def take_down(engine, stand_ins):
    if isinstance(engine, OwnEngine):
        engine.stop()
        return
    if engine.in_swarm():
        say(remove(Stack(engine, {})))
    # Nobody is to take them for the real ones later.
    engine.run("image", "rm", *stand_ins, *builds.NEXT, *builds.BAD, check=False)


if __name__ == "__main__":
    sys.exit(main())
