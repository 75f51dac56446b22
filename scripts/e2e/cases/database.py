"""The database is killed: nobody is restarted, and nothing is lost."""

import time

from cases.killing import kill
from traffic import Traffic, failures, show, summary


def a_killed_database_restarts_nobody_and_uploads_go_on(stack):
    with Traffic(stack) as traffic:
        before = stack.containers("frontend") + stack.containers("backend")
        *_, gone = kill(stack, "db")
        stack.healthy_count("db", 1)
        back = time.time() - gone
        since = len(traffic.read())
        stack.until("load after the outage", 60, lambda: len(traffic.read()) >= since + 100)
        outcomes = traffic.stop()
        after = stack.containers("frontend") + stack.containers("backend")
    assert not failures(outcomes), show(failures(outcomes))
    assert sorted(before) == sorted(after), f"{before} became {after}"
    audits = [each for each in outcomes if each["kind"] == "audit"]
    return f"{summary(outcomes)}; the database was away for {back:.1f} s; {len(audits)} uploads were read back whole"
