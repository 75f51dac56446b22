"""A container that is killed loses no byte, and Swarm makes a new one."""

import time

from logs import upstreams
from traffic import Traffic, assert_nothing_failed, failures, summary


def kill(stack, short):
    """Removes one container by force, as the tutorial does. Returns its id, its addresses and when it was gone."""
    container = stack.containers(short)[0]
    addresses = set(stack.addresses(container).values())
    before = time.time()
    stack.engine.run("container", "rm", "--force", container)
    return container, addresses, before, time.time()


def under_load(stack, short, count):
    """Kills a container of the service under load: what came of the requests, and of which container, when."""
    with Traffic(stack) as traffic:
        time_to_settle = len(traffic.read()) + 40
        stack.until("some load", 60, lambda: len(traffic.read()) >= time_to_settle)
        killed, addresses, before, after = kill(stack, short)
        successors = stack.healthy_count(short, count)
        assert killed not in successors, successors
        replaced = time.time() - after
        outcomes = traffic.stop()
    return outcomes, addresses, before, after, replaced


def a_killed_backend_is_replaced_and_no_request_fails(stack):
    outcomes, _, _, _, replaced = under_load(stack, "backend", 4)
    assert_nothing_failed(outcomes)
    return f"{summary(outcomes)}; all healthy again after {replaced:.1f} s"


def a_killed_frontend_fails_only_what_was_inside_it(stack):
    outcomes, addresses, before, after, replaced = under_load(stack, "frontend", 3)
    asked = upstreams(stack.engine)
    for each in failures(outcomes):
        # What has not begun to be answered, and has no body, nginx asks another frontend for.
        assert each["kind"] not in ("info", "tus", "slow tus", "audit"), each
        assert each["begun"] <= after and each["ended"] >= before, f"not in flight at {before}: {each}"
        met = asked.get(each["id"], [])
        assert addresses & set(met), f"through {met}, not {addresses}: {each}"
    return f"{summary(outcomes)}; all healthy again after {replaced:.1f} s; failed: {kinds(outcomes)}"


def a_killed_nginx_fails_only_what_was_inside_it(stack):
    outcomes, addresses, before, after, replaced = under_load(stack, "nginx", 2)
    for each in failures(outcomes):
        assert each["begun"] <= after and each["ended"] >= before, f"not in flight at {before}: {each}"
        assert each["edge"] in addresses, f"through another nginx than {addresses}: {each}"
        assert each["kind"] not in ("tus", "slow tus", "audit"), each
    return f"{summary(outcomes)}; all healthy again after {replaced:.1f} s; failed: {kinds(outcomes)}"


def kinds(outcomes):
    return ", ".join(f"{each['kind']} ({each['error']})" for each in failures(outcomes)) or "none"
