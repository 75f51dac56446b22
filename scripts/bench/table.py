"""Prints kept results as Markdown: median (smallest to largest) of the last measurement of each server in each scenario."""

import json
import statistics

import listing
import peers

RECONNECTS, FAILURES = ("reconnects", "reconnects"), ("failures", "failures")
COLUMNS = {
    "info": [("chain", "chain"), ("per_s", "requests/s"), ("cpu_us", "CPU µs/request"), ("p50_ms", "p50 ms"),
             ("p99_ms", "p99 ms"), RECONNECTS, FAILURES],
    "big": [("mb_per_s", "MB/s"), ("cpu_s_per_gib", "CPU s/GiB"), ("peak_pss_mib", "peak MiB"), ("program_pss_mib", "program's MiB"),
            ("sync_after_s", "sync after s"), RECONNECTS, FAILURES],
    "conc": [("mb_per_s", "MB/s"), ("cpu_s_per_gib", "CPU s/GiB"), ("p99_ms", "p99 ms"), ("peak_pss_mib", "peak MiB"),
             ("program_pss_mib", "program's MiB"), ("program_rss_mib", "its RSS MiB"), RECONNECTS, FAILURES],
    "small": [("per_s", "uploads/s"), ("cpu_us", "CPU µs/upload"), ("p50_ms", "p50 ms"), ("p99_ms", "p99 ms"), RECONNECTS, FAILURES],
    "down": [("mb_per_s", "MB/s"), ("cpu_s_per_gib", "CPU s/GiB"), ("ranges_per_s", "ranges/s"), ("range_cpu_us", "CPU µs/range"),
             RECONNECTS, FAILURES],
    "start": [("start_ms", "ms to the first 200"), ("idle_pss_mib", "idle PSS MiB"), ("idle_rss_mib", "idle RSS MiB"),
              ("processes", "processes")],
    "resume": [("uncut_s", "uncut s"), ("cut_s", "cut s"), ("ratio", "ratio"), ("cuts", "cuts"), ("retries", "retries"), FAILURES],
}
# Not to be averaged: each value that occurred is told.
COUNTS = {"failures", "reconnects", "processes", "cuts"}


def read(file):
    with open(file) as lines:
        return [json.loads(line) for line in lines]


def last(results):
    """Of the last call of the benchmark that measured it, the results of each server in each scenario."""
    found = {}
    for result in results:
        kept = found.setdefault((result["scenario"], result["peer"]), [])
        if kept and kept[0]["begun"] != result["begun"]:
            kept.clear()
        kept.append(result)
    return found


def render(results):
    found = last(results)
    lines = [header([result for some in found.values() for result in some])]
    for scenario, columns in COLUMNS.items():
        rows = [(name, found[scenario, name]) for name in peers.BY_NAME if (scenario, name) in found]
        if rows:
            titles = " | ".join(title for _, title in columns)
            lines += [f"\n### {scenario}\n", f"| server | runs | {titles} | other cores |", "|" + "---|" * (len(columns) + 3)]
            lines += [row(name, some, columns) for name, some in rows]
            lines += problems(rows)
    for name in peers.BY_NAME:
        lines += pages(name, found.get(("list", name), []))
    return "\n".join(lines)


def pages(name, results):
    """Of a list, which has a table of its own."""
    done = [result for result in results if "kinds" in result]
    if done:
        yield f"\n### list, {done[-1]['records']:,} records, {name}\n"
        yield from listing.lines(done)
    yield from problems([(name, results)])


def header(results):
    commits = sorted({f"{result['commit']} ({result['date'][:10]})" for result in results})
    machines = sorted({result["machine"] for result in results})
    return f"{'; '.join(machines)}. Measured at {', '.join(commits)}. Median (smallest to largest)."


def problems(rows):
    return sorted({f"\n{name}: {result['problem']}" for name, some in rows for result in some if result.get("problem")})


def row(name, results, columns):
    cells = [cell(field, [result[field] for result in results if result.get(field) is not None]) for field, _ in columns]
    others = cell("other_cores", [result["other_cores"] for result in results if "other_cores" in result])
    return f"| {name} | {len(results)} | " + " | ".join([*cells, others]) + " |"


def cell(field, values):
    if not values:
        return "-"
    if field in COUNTS or isinstance(values[0], str):
        return "/".join(sorted({str(value) for value in values}))
    median = number(statistics.median(values))
    return f"{median} ({number(min(values))} to {number(max(values))})" if len(values) > 1 else median


def number(value):
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
