"""Every replica answers, evenly, and says who it is as `docker ps` does."""

import collections
import re

import images
import logs
from project import ROOT
from traffic import Traffic, assert_nothing_failed, summary


def every_replica_answers_under_load_with_the_id_that_docker_ps_prints(stack):
    running = {short: set(stack.containers(short)) for short in ("frontend", "backend")}
    with Traffic(stack) as traffic:
        stack.until("300 info requests", 120, lambda: len(infos(traffic.read())) >= 300)
        outcomes = traffic.stop()
    assert_nothing_failed(outcomes)
    seen = []
    for short, ids in running.items():
        answers = collections.Counter(each[short] for each in infos(outcomes))
        assert set(answers) == ids, f"answers of {short}: {answers}, docker ps: {ids}"
        assert_even(busy_with(stack, outcomes) if short == "frontend" else answers, ids)
        seen.append(f"{short}: {' '.join(f'{who} {count}' for who, count in answers.items())}")
    return f"{summary(outcomes)}; {'; '.join(seen)}"


def busy_with(stack, outcomes):
    """How long each frontend was busy with requests of the load. nginx evens out the requests that are open, so a frontend that
    holds one more slow upload than the others gets few of the short ones. Those who watch it spreads by themselves."""
    counted = [each for each in outcomes if each["kind"] != "watch"]
    ids = {each["id"] for each in counted if "id" in each} | {id for each in counted for id in each.get("requests", [])}
    return logs.seconds_with(stack.engine, ids)


def assert_even(shares, ids):
    even = shares.total() / len(ids)
    assert even > 0 and all(even / 2 <= shares[who] <= even * 2 for who in ids), shares


def requests_are_spread_evenly_as_the_script_for_users_shows(stack):
    said = stack.engine.read(
        "run", "--rm", "--network", "app_network", "--volume", f"{ROOT}/scripts:/scripts:ro", images.PYTHON,
        "bash", "/scripts/test-load-balancing.sh", "--requests", "240", "--url", "http://tasks.nginx:8080")
    for short in ("frontend", "backend"):
        ids = stack.containers(short)
        counts = {who: re.search(rf"^{who} .* (\d+) +\d+ %", said, re.M) for who in ids}
        assert all(counts.values()), said
        shares = {who: int(found.group(1)) / (240 / len(ids)) for who, found in counts.items()}
        assert all(0.8 <= share <= 1.2 for share in shares.values()), f"{shares}\n{said}"
    return said


def infos(outcomes):
    return [each for each in outcomes if each["kind"] == "info" and each["ok"]]
