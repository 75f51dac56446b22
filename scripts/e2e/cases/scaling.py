"""`docker service scale` fails no request."""

from stack import Events
from traffic import Traffic, failures, show, summary


def scaling_up_and_down_fails_no_request(stack):
    events = Events(stack.engine)
    try:
        with Traffic(stack) as traffic:
            old = set(stack.containers("frontend") + stack.containers("backend"))
            stack.scale(frontend=5)
            stack.scale(backend=6)
            new = set(stack.healthy_count("frontend", 5) + stack.healthy_count("backend", 6)) - old
            stack.scale(frontend=2)
            stack.scale(backend=2)
            staying = set(stack.healthy_count("frontend", 2) + stack.healthy_count("backend", 2))
            outcomes = traffic.stop()
    finally:
        stack.scale(frontend=3, backend=4)
        events.close()
    assert not failures(outcomes), show(failures(outcomes))
    assert len(new) == 4, new
    waits = [first_answer(outcomes, container) - events.when("health_status: healthy", container) for container in new]
    assert max(waits) <= 5, f"seconds from healthy to the first answer: {waits}"
    for container in (old | new) - staying:
        left = events.when("die", container)
        late = [each for each in outcomes if container in (each.get("frontend"), each.get("backend")) and each["begun"] > left]
        assert not late, f"{container} left at {left}: {show(late)}"
    return (f"{summary(outcomes)}; a new replica answered {', '.join(f'{wait:.1f}' for wait in sorted(waits))} s "
            f"after it was healthy; {len((old | new) - staying)} left and got nothing after")


def first_answer(outcomes, container):
    return min(each["begun"] for each in outcomes if container in (each.get("frontend"), each.get("backend")))
