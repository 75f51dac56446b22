"""Every replica answers, evenly, and says who it is as `docker ps` does."""

import collections

import images
from stack import ROOT
from traffic import Traffic, failures, show, summary


def every_replica_answers_evenly_under_the_id_that_docker_ps_prints(stack):
    running = {short: set(stack.containers(short)) for short in ("frontend", "backend")}
    with Traffic(stack) as traffic:
        stack.until("300 info requests", 120, lambda: len(infos(traffic.read())) >= 300)
        outcomes = traffic.stop()
    assert not failures(outcomes), show(failures(outcomes))
    seen = []
    for short, ids in running.items():
        answers = collections.Counter(each[short] for each in infos(outcomes))
        assert set(answers) == ids, f"answers of {short}: {answers}, docker ps: {ids}"
        least, most = min(answers.values()), max(answers.values())
        assert most <= 1.5 * least, f"{short}: {answers}"
        seen.append(f"{short}: {' '.join(f'{who} {count}' for who, count in answers.items())}")
    return f"{summary(outcomes)}; {'; '.join(seen)}"


def the_script_for_users_says_so_too(stack):
    said = stack.engine.read(
        "run", "--rm", "--network", "app_network", "--volume", f"{ROOT}/scripts:/scripts:ro", images.PYTHON,
        "bash", "/scripts/test-load-balancing.sh", "--requests", "200", "--url", "http://tasks.nginx:8080")
    for short in ("frontend", "backend"):
        for container in stack.containers(short):
            assert container in said, said
    return said


def infos(outcomes):
    return [each for each in outcomes if each["kind"] == "info" and each["ok"]]
