"""A rolling update fails no request, and one to a bad image is undone."""

import concurrent.futures

from builds import NEXT_VERSION, VERSION
from traffic import Traffic, assert_nothing_failed, summary

BAD = {"frontend": "swarm-upload:deaf", "backend": "swarm-upload:unready", "nginx": "swarm-upload-nginx:deaf"}


def a_rolling_update_of_every_service_fails_no_request(stack):
    with Traffic(stack) as traffic:
        stack.script("scripts/deploy-swarm.sh", "--no-build", "--tag", "next")
        outcomes = traffic.stop()
    assert_nothing_failed(outcomes)
    for key in ("version", "frontend_version", "backend_version"):
        seen = list(dict.fromkeys(each[key] for each in sorted(outcomes, key=lambda each: each["begun"]) if key in each))
        assert seen == [VERSION, NEXT_VERSION], f"{key}: {seen}"
    watched = {tuple(one) for each in outcomes for one in each.get("seen", [])}
    expected = {(role, version, state) for role in ("frontend", "backend")
                for version, state in ((VERSION, "ready"), (VERSION, "draining"), (NEXT_VERSION, "ready"))}
    assert expected <= watched, f"not seen by who watched: {expected - watched}"
    edges = stack.engine.inspect("container", *stack.containers("nginx"))
    assert all("EDGE_VERSION=next" in each["Config"]["Env"] for each in edges), edges
    return (f"{summary(outcomes)}; /version said {VERSION} and then {NEXT_VERSION}, and so did both roles, which were seen to drain "
            "and to come by who watched; nginx is the new image")


def an_image_that_never_gets_healthy_or_ready_is_rolled_back_and_no_request_fails(stack):
    before = images_of(stack)
    with Traffic(stack) as traffic:
        with concurrent.futures.ThreadPoolExecutor() as together:
            ends = dict(zip(BAD, together.map(lambda short: stack.update(short, "--image", BAD[short]), BAD)))
        assert set(ends.values()) == {"rollback_completed"}, ends
        for short, images in before.items():
            stack.healthy_count(short, len(images))
        outcomes = traffic.stop()
    assert_nothing_failed(outcomes)
    assert images_of(stack) == before, f"{before} became {images_of(stack)}"
    return (f"{summary(outcomes)}; {', '.join(BAD.values())} were rolled back by themselves to "
            f"{', '.join(images[0] for images in before.values())}")


def images_of(stack):
    """The image of each container: {service: images}."""
    return {short: [each["Config"]["Image"] for each in stack.engine.inspect("container", *stack.containers(short))]
            for short in BAD}
