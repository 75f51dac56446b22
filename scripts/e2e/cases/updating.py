"""A rolling update fails no request, and one to a bad image is undone."""

import concurrent.futures

from builds import NEXT_VERSION, VERSION
from traffic import Traffic, assert_nothing_failed, summary


def a_rolling_update_of_every_service_fails_no_request(stack):
    with Traffic(stack) as traffic:
        for short in ("backend", "frontend"):
            ended = stack.update(short, "--image", "swarm-upload:next")
            assert ended == "completed", ended
        ended = stack.update("nginx", "--image", "swarm-upload-nginx:next")
        assert ended == "completed", ended
        outcomes = traffic.stop()
    assert_nothing_failed(outcomes)
    for key in ("frontend_version", "backend_version"):
        seen = list(dict.fromkeys(each[key] for each in sorted(outcomes, key=lambda each: each["begun"]) if key in each))
        assert seen == [VERSION, NEXT_VERSION], f"{key}: {seen}"
    edges = stack.engine.inspect("container", *stack.containers("nginx"))
    assert all("EDGE_VERSION=next" in each["Config"]["Env"] for each in edges), edges
    return f"{summary(outcomes)}; versions {VERSION} then {NEXT_VERSION} of both roles; nginx is the new image"


def an_image_that_never_gets_healthy_or_ready_is_rolled_back_and_no_request_fails(stack):
    before = images_of(stack)
    with Traffic(stack) as traffic:
        with concurrent.futures.ThreadPoolExecutor() as both:
            deaf = both.submit(stack.update, "frontend", "--image", "swarm-upload:deaf")
            unready = both.submit(stack.update, "backend", "--image", "swarm-upload:unready")
            ends = deaf.result(), unready.result()
        assert ends == ("rollback_completed", "rollback_completed"), ends
        stack.healthy_count("frontend", 3)
        stack.healthy_count("backend", 4)
        outcomes = traffic.stop()
    assert_nothing_failed(outcomes)
    assert images_of(stack) == before, f"{before} became {images_of(stack)}"
    return f"{summary(outcomes)}; both rolled back by themselves to {' and '.join(sorted(before))}"


def images_of(stack):
    containers = stack.engine.inspect("container", *stack.containers("frontend"), *stack.containers("backend"))
    return {each["Config"]["Image"] for each in containers}
