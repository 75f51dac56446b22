"""The list of a large catalog: pages in every order, at its beginning, anywhere and at its end, and searches."""

import base64
import http.client
import json
import random
import re
import statistics
import time

import postgres
from fault import Fault
from places import PORT, WORK

SORTS = ("-created", "created", "-name", "name", "-size", "size")
# Terms, and every how many-th name has them; see `fill`.
SEARCHES = {"common": ("report", 2), "rare": ("unicorn", 100_000), "absent": ("xyzzy-nowhere", 0)}
# At the end: a cursor among so many last ones.
LAST = 1000
# Of one kind, in seconds: searches may take long.
PATIENCE = 15
# What the program asks the database for a page, as that logs it: parameters and plan, then the rows. One that took so long that it
# was cancelled is not among them: it is a failure of its request.
STATEMENT = re.compile(r"duration: ([\d.]+) ms  (bind|execute) [^:]*: SELECT id, filename, .* FROM uploads WHERE true.* LIMIT \$1$", re.M)


def measure(server, work):
    """Of each kind of page, how long the database takes for it, by its own log, and how long the client waits."""
    sent = server.upload(1, 1, 4096)
    if sent["failures"]:
        return sent
    fill(work.records)
    kinds = {}
    with statements_logged():
        for name, paths in pages(work):
            kinds[name] = ask(paths, found="absent" not in name)
    failures = sum(kind["failures"] for kind in kinds.values())
    return {"ok": sum(kind["ok"] for kind in kinds.values()), "failures": failures, "records": work.records, "kinds": kinds}


def fill(records):
    """More records like the one there is, one created each minute: only `uploads`, which is all that lists read."""
    postgres.query(f"""
        CREATE TEMPORARY TABLE made AS
        SELECT n, now() - make_interval(mins => {records} - n) AS at, md5(n::text) AS chance,
            CASE WHEN n % {SEARCHES['rare'][1]} = 1 THEN 'unicorn-' ELSE '' END
            || CASE WHEN n % {SEARCHES['common'][1]} = 0 THEN 'Report ' ELSE 'photo-' END || substr(md5(n::text), 1, 12)
            || CASE n % 3 WHEN 0 THEN '.pdf' WHEN 1 THEN '.jpg' ELSE '.tar.gz' END AS name
        FROM generate_series(1, {records} - 1) AS n;
        WITH one AS (SELECT * FROM uploads LIMIT 1), added AS (
            SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7' || substr(chance, 1, 3) || 'a'
                || substr(chance, 4, 15))::uuid AS id, name, at, decode(chance || chance, 'hex') AS sha256,
                ('x' || substr(chance, 20, 8))::bit(32)::bigint AS length
            FROM made)
        INSERT INTO uploads (id, filename, filename_key, content_type, metadata, length_bytes, offset_bytes, epoch, digest_state,
            sha256, blob_id, created_at, completed_at)
        SELECT added.id, added.name, lower(added.name), one.content_type, one.metadata, added.length, added.length, one.epoch,
            one.digest_state, added.sha256, added.id, added.at, added.at
        FROM added, one;
        VACUUM ANALYZE uploads;""")
    postgres.settle()


class statements_logged:
    """Every statement is logged, with how long it took."""

    def __enter__(self):
        self.set("ALTER SYSTEM SET log_min_duration_statement = 0; ALTER SYSTEM SET log_parameter_max_length = 0;")

    def __exit__(self, *_):
        self.set("ALTER SYSTEM RESET log_min_duration_statement; ALTER SYSTEM RESET log_parameter_max_length;")

    def set(self, sql):
        postgres.query(f"{sql.replace(';', ';' + chr(10))}SELECT pg_reload_conf();", "postgres")
        # Sessions learn of it with their next statement.
        time.sleep(0.5)


def pages(work):
    """Kinds of pages, each with as many paths as are asked for."""
    for sort in SORTS:
        yield f"{sort}, first page", [path(sort)] * work.pages
        yield f"{sort}, any page", [path(sort, cursor=cursor) for cursor in cursors("random()", work.pages)]
        yield f"{sort}, last pages", [path(sort, cursor=cursor) for cursor in last_cursors(sort, work.pages)]
    for name, (term, _) in SEARCHES.items():
        for sort in ("-created", "name"):
            yield f"search, {name} term, {sort}", [path(sort, q=term)] * work.pages


def path(sort, **parameters):
    return "/api/uploads?" + "&".join(f"{name}={value}" for name, value in {"sort": sort, **parameters}.items())


def cursors(order, count):
    """As the program prints them (src/protocol/listing.rs), of records in that order of SQL."""
    rows = postgres.query("SELECT json_build_object('n', filename, 's', length_bytes, 'i', id) FROM uploads "
                          f"ORDER BY {order} LIMIT {count}")
    return [base64.urlsafe_b64encode(row.encode()).decode().rstrip("=") for row in rows.splitlines()]


def last_cursors(sort, count):
    key = {"created": "id", "name": "filename_key", "size": "coalesce(length_bytes, 0)"}[sort.lstrip("-")]
    order = "ASC" if sort.startswith("-") else "DESC"
    # Without those whose page would be next to empty.
    found = cursors(f"{key} {order}, id {order}", LAST)[50:]
    return random.Random(1).choices(found, k=count)


def ask(paths, found):
    """Asks for one page after the other, over one connection. Whether something is on them is known."""
    waits, failures = [], 0
    log = WORK / "postgres.log"
    begin, begun = log.stat().st_size, time.monotonic()
    connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=30)
    for asked in paths:
        at = time.perf_counter()
        connection.request("GET", asked)
        answer = connection.getresponse()
        body = answer.read()
        waits.append(1e3 * (time.perf_counter() - at))
        if answer.status != 200 or bool(json.loads(body)["uploads"]) != found:
            failures += 1
        if time.monotonic() - begun > PATIENCE:
            break
    connection.close()
    with open(log, "rb") as file:
        file.seek(begin)
        database = durations(file.read().decode(errors="replace"))
    if len(database) < len(waits) - failures:
        raise Fault(f"the database has logged {len(database)} statements of {len(waits)} pages: has the statement changed?")
    return {"ok": len(waits) - failures, "failures": failures, "p50_ms": quantile(waits, 0.5), "p99_ms": quantile(waits, 0.99),
            "database_p50_ms": quantile(database, 0.5), "database_p99_ms": quantile(database, 0.99)}


def durations(log):
    """Of each page, in milliseconds: to bind and to execute."""
    found, binding = [], 0
    for spent, step in STATEMENT.findall(log):
        if step == "bind":
            binding = float(spent)
        else:
            found.append(binding + float(spent))
    return found


def quantile(values, part):
    return round(sorted(values)[int((len(values) - 1) * part)], 3) if values else None


def lines(results):
    """As Markdown: of several runs the median."""
    yield "| page | requests | at the database: p50 ms | p99 ms | for the client: p50 ms | p99 ms | failures |\n|" + "---|" * 7
    for kind in results[-1]["kinds"]:
        found = [result["kinds"][kind] for result in results if kind in result.get("kinds", {})]
        cells = [f"{statistics.median(times):.3g}" if (times := [one[field] for one in found if one[field] is not None]) else "-"
                 for field in ("database_p50_ms", "database_p99_ms", "p50_ms", "p99_ms")]
        requests, failures = (sum(one[field] for one in found) for field in ("ok", "failures"))
        yield f"| {kind} | {requests + failures} | {' | '.join(cells)} | {failures} |"
