"""The database is killed: nobody is restarted, and nothing is lost."""

import time

from cases.killing import kill
from traffic import Traffic, assert_nothing_failed, failures, summary


def a_killed_database_restarts_nobody_and_uploads_go_on(stack):
    with Traffic(stack) as traffic:
        before = stack.containers("frontend") + stack.containers("backend")
        _, gone = kill(stack, stack.containers("db")[0])
        stack.healthy_count("db", 1)
        returned = time.time()
        traffic.wait_for_more(100)
        outcomes = traffic.stop()
        after = stack.containers("frontend") + stack.containers("backend")
    # Who began to watch then was told that nobody knows.
    untold = [each for each in failures(outcomes) if each.get("unavailable") and gone < each["ended"] < returned + 2]
    assert_nothing_failed([each for each in outcomes if each not in untold])
    assert sorted(before) == sorted(after), f"{before} became {after}"
    uploads = [each for each in outcomes if each["begun"] < gone < each["ended"] and ("put" in each["kind"] or "tus" in each["kind"])]
    assert uploads, "no upload was in flight"
    audits = [each for each in outcomes if each["kind"] == "audit"]
    return f"{summary(outcomes)}; the database was away for {returned - gone:.1f} s under {len(uploads)} uploads; {len(audits)} uploads were read back whole"
