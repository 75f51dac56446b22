"""A container that is killed loses no byte, and Swarm makes a new one."""

import re
import time
from pathlib import Path

from engine import Failed
from logs import upstreams
from traffic import Traffic, assert_nothing_failed, failures, summary

# In /proc/net/tcp: a connection to port 8080 or 8000 with 4 KiB or more that came and that the process has not read. Requests
# without a body, which replicas send each other too, are smaller.
UNREAD = re.compile(r"^ *\d+: [0-9A-F]{8}:(?:1F90|1F40) [0-9A-F:]+ 01 [0-9A-F]{8}:(?!00000)", re.M)


def kill(stack, container):
    """Removes a container by force, as the tutorial does. Returns when it was alive last, and when it was gone."""
    before = time.time()
    stack.engine.run("container", "rm", "--force", container)
    return before, time.time()


def under_load(stack, short, count):
    """Kills a container of the service under load. Returns its addresses, what came of the requests, when it was frozen and
    when gone, and what is to be told of all."""
    with Traffic(stack) as traffic:
        traffic.wait_for_more(40)
        killed = stack.containers(short)[0]
        addresses = set(stack.addresses(killed).values())
        frozen, inside = freeze_around_an_upload(stack, killed)
        _, after = kill(stack, killed)
        successors = stack.healthy_count(short, count)
        assert killed not in successors, successors
        replaced = time.time() - after
        outcomes = traffic.stop()
    failed = ", ".join(f"{each['kind']} ({each['error']})" for each in failures(outcomes)) or "none"
    return addresses, outcomes, frozen, after, (
        f"{summary(outcomes)}; {inside} uploads had bytes unread inside it when it was killed, {after - frozen:.1f} s after it "
        f"was frozen; all healthy again after {replaced:.1f} s; failed: {failed}")


def freeze_around_an_upload(stack, container):
    """Freezes the container with bytes of an upload inside it, which stay there, for sure, until it is killed. Returns since
    when, and of how many uploads. Where other requests come first it is let go on and frozen again: as long as they stand there
    those who balance over it give it nothing more."""
    pid = stack.pid(container)
    for _ in range(30):
        frozen = time.time()
        if not freeze(stack, container):
            time.sleep(0.5)
            continue
        try:
            return frozen, stack.until("an upload inside it", 2, lambda: unread(pid))
        except Failed:
            stack.engine.run("unpause", container)
        except BaseException:
            stack.engine.run("unpause", container)
            raise
        time.sleep(0.5)
    raise Failed(f"30 times no upload came to {container} in 2 s, or it would not freeze")


def freeze(stack, container):
    """Returns whether it stands still. On a busy machine the runtime gives up on processes that take too long to, and lets them
    go on."""
    try:
        stack.engine.run("pause", container)
        return True
    except Failed as error:
        if "unable to freeze" not in str(error):
            raise
        return False


def unread(pid):
    """How many uploads have bytes in the container of this process that it has not read."""
    return len(UNREAD.findall(Path(f"/proc/{pid}/net/tcp").read_text()))


def a_killed_backend_is_replaced_and_no_request_fails(stack):
    _, outcomes, _, _, seen = under_load(stack, "backend", 4)
    assert_nothing_failed(outcomes)
    return seen


def a_killed_frontend_fails_only_what_was_inside_it(stack):
    addresses, outcomes, before, after, seen = under_load(stack, "frontend", 3)
    asked = upstreams(stack.engine)
    for each in failures(outcomes):
        # What has not begun to be answered, and has no body, nginx asks another frontend for.
        assert each["kind"] not in ("info", "version", "tus", "slow tus", "audit"), each
        assert each["begun"] <= after and each["ended"] >= before, f"not in flight at {before}: {each}"
        met = asked.get(each["id"], [])
        assert addresses & set(met), f"through {met}, not {addresses}: {each}"
    return seen


def a_killed_nginx_fails_only_what_was_inside_it(stack):
    addresses, outcomes, before, after, seen = under_load(stack, "nginx", 2)
    for each in failures(outcomes):
        assert each["begun"] <= after and each["ended"] >= before, f"not in flight at {before}: {each}"
        assert each["edge"] in addresses, f"through another nginx than {addresses}: {each}"
        assert each["kind"] not in ("tus", "slow tus", "audit"), each
    return seen
