"""The list of a large catalog: pages in every order, at its beginning, anywhere and at its end, and searches."""

import base64
import http.client
import json
import random
import re
import statistics
import time
import urllib.parse

import postgres
from fault import Fault
from places import PORT, WORK

SORTS = ("-created", "created", "-name", "name", "-size", "size")
# What is searched for, by how many of the names have it; `fill` sees to that. Those that come together are of one time, the oldest
# or in the middle.
SEARCHES = {
    "half": "copy", "a tenth": "report", "5 %": "zebra", "1 %": "thursday", "0.3 %": "saffron", "0.1 %": "marigold",
    "0.02 %, with % and _": "50%_off", "0.001 %": "unicorn", "none": "xyzzy-nowhere", "none, with \\": "\\final",
    "a twelfth, not ASCII": "été", "none, not ASCII": "żółw", "1 %, 2 characters": "a7", "none, 2 characters": "qx",
    "nearly all, 1 character": "e", "none, 1 character": "$", "0.2 %, together": "rome", "5 %, together": "nokia",
}
# A cursor among so many last ones.
LAST = 1000
# So many came after PostgreSQL has last tidied up: what it keeps unsorted costs those who search.
NEW = 1000
# What has to be there before: the program makes it beside its work.
INDEX = "uploads_named_by_trigrams"
# Of one kind, in seconds: searches may take long.
PATIENCE = 15
# What the program asks the database for a page, as that logs it: parsing where it is not prepared, parameters and plan, then the
# rows. One that took so long that it was cancelled is not among them: it is a failure of its request.
STATEMENT = re.compile(r"duration: ([\d.]+) ms  (parse|bind|execute) [^:]*: (SELECT id, filename, .* FROM .*uploads.*) LIMIT \$1$", re.M)


def measure(server, work):
    """Of each kind of page, how long the database takes for it, by its own log, and how long the client waits."""
    sent = server.upload(1, 1, 4096)
    if sent["failures"]:
        return sent
    wait_for_index()
    fill(work.records)
    kinds = {}
    with statements_logged():
        for name, paths in pages(work):
            kinds[name] = ask(paths, found=None if "search" in name and "any page" in name else "none" not in name)
    failures = sum(kind["failures"] for kind in kinds.values())
    return {"ok": sum(kind["ok"] for kind in kinds.values()), "failures": failures, "records": work.records, "kinds": kinds}


def wait_for_index():
    for _ in range(300):
        if postgres.query(f"SELECT 1 FROM pg_index WHERE indexrelid = to_regclass('{INDEX}') AND indisvalid"):
            return
        time.sleep(0.2)
    raise Fault(f"the program has made no index {INDEX}")


def fill(records):
    """More records like the one there is, one created each minute: only `uploads`, which is all that lists read."""
    postgres.query(f"""
        CREATE TEMPORARY TABLE made AS
        SELECT n, at, chance, CASE WHEN n % 100000 = 1 THEN 'unicorn ' WHEN n % 1000 = 3 THEN 'Marigold ' WHEN n % 300 = 5 THEN 'saffron_'
                WHEN n % 100 = 7 THEN 'Thursday ' WHEN n % 20 = 9 THEN 'zebra-' WHEN n % 5000 = 11 THEN '50%_off ' ELSE '' END
            || CASE WHEN n * 20 < {records} THEN 'Nokia ' WHEN n BETWEEN {records} / 2 AND {records} / 2 + {records} / 500 THEN 'Rome ' ELSE '' END
            || (ARRAY['IMG_', 'DSC_', 'Report ', 'Invoice-', 'Scan ', 'Photo_', 'backup-', 'Meeting notes ', 'draft_', 'Video '])
                [1 + get_byte(bytes, 0) % 10]
            || to_char(at, CASE WHEN n % 3 = 0 THEN 'YYYYMMDD' ELSE 'YYYY-MM-DD' END)
            || (ARRAY[' final', '_v2', ' holiday', '-budget', ' été', ' Übersicht', '_contract', ' summer', '-project', ' 文件', '_new', ' (1)'])
                [1 + get_byte(bytes, 1) % 12]
            || CASE WHEN n % 2 = 0 THEN ' copy-' ELSE '-' END || substr(chance, 5, 4)
            || (ARRAY['.pdf', '.jpg', '.tar.gz', '.mp4', '.jpeg'])[1 + get_byte(bytes, 4) % 5] AS name
        FROM (SELECT n, now() - make_interval(mins => {records} - n) AS at, md5(n::text) AS chance,
                decode(md5(n::text), 'hex') AS bytes FROM generate_series(1, {records} - 1) AS n) AS numbered;
        {added(f"n < {records} - {NEW}")}
        VACUUM ANALYZE uploads;
        {added(f"n >= {records} - {NEW}")}""")
    postgres.settle()


def added(which):
    return f"""
        WITH one AS (SELECT * FROM uploads LIMIT 1), added AS (
            SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7' || substr(chance, 1, 3) || 'a'
                || substr(chance, 4, 15))::uuid AS id, name, at, decode(chance || chance, 'hex') AS sha256,
                ('x' || substr(chance, 20, 8))::bit(32)::bigint AS length
            FROM made WHERE {which})
        INSERT INTO uploads (id, filename, filename_key, content_type, metadata, length_bytes, offset_bytes, epoch, digest_state,
            sha256, blob_id, created_at, completed_at)
        SELECT added.id, added.name, lower(added.name), one.content_type, one.metadata, added.length, added.length, one.epoch,
            one.digest_state, added.sha256, added.id, added.at, added.at
        FROM added, one;"""


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
    # One after the other in each order, so that each has its part in what is slowest.
    orders = [SORTS[number % len(SORTS)] for number in range(work.pages)]
    places = cursors("random()", work.pages)
    for name, term in SEARCHES.items():
        yield f"search, {name}, first page", [path(sort, q=term) for sort in orders]
        yield f"search, {name}, any page", [path(sort, q=term, cursor=cursor) for sort, cursor in zip(orders, places)]


def path(sort, **parameters):
    return "/api/uploads?" + urllib.parse.urlencode({"sort": sort, **parameters})


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
    """Asks for one page after the other, over one connection. Whether something is on them is known, or `None`."""
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
        if answer.status != 200 or found not in (None, bool(json.loads(body)["uploads"])):
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
    """Of each page, in milliseconds: all that was asked for it, which for a search may be asked in a second way."""
    found, spent = [], 0
    for time_spent, step, statement in STATEMENT.findall(log):
        spent += float(time_spent)
        if step == "execute":
            if ") AS found JOIN" in statement:
                found[-1] += spent
            else:
                found.append(spent)
            spent = 0
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
