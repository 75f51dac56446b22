"""`docker service scale` fails no request."""

from stack import Events
from traffic import Traffic, assert_nothing_failed, summary

# How long a replica that was told to stop goes on accepting.
STILL_ACCEPTING = 5


def scaling_up_and_down_fails_no_request(stack):
    with Events(stack.engine) as events:
        try:
            with Traffic(stack) as traffic:
                old = set(stack.containers("frontend") + stack.containers("backend"))
                new = set(stack.scale(frontend=5, backend=6)) - old
                traffic.wait_for_more(200)
                staying = set(stack.scale(frontend=2, backend=2))
                traffic.wait_for_more(200)
                outcomes = traffic.stop()
        finally:
            stack.scale(frontend=3, backend=4)
    assert_nothing_failed(outcomes)
    assert len(new) == 4, new
    healthy = {container: events.when("health_status: healthy", container) for container in new}
    waits = [first_answer(outcomes, container, since) - since for container, since in healthy.items()]
    assert max(waits) <= 5, f"seconds from healthy to the first answer: {waits}"
    starts = [since - events.when("start", container) for container, since in healthy.items()]
    last = [last_request(outcomes, container) - events.when("kill", container) for container in (old | new) - staying]
    assert max(last) <= STILL_ACCEPTING, f"seconds from SIGTERM to the last request: {last}"
    return (f"{summary(outcomes)}; new replicas were healthy {figures(starts)} s after their start and answered {figures(waits)} s "
            f"after that; those that left got their last request {figures(last)} s after SIGTERM")


def first_answer(outcomes, container, since):
    """When the replica had answered its first info request that was sent after that moment."""
    return min(each["ended"] for each in outcomes
               if each["kind"] == "info" and each["begun"] > since and container in (each.get("frontend"), each.get("backend")))


def last_request(outcomes, container):
    return max(each["begun"] for each in outcomes if container in (each.get("frontend"), each.get("backend")))


def figures(seconds):
    return ", ".join(f"{each:.1f}" for each in sorted(seconds))
