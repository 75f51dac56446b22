#!/usr/bin/env python3
"""Draws what scale.py has measured: three small charts beside each other, a line for each number of backends. An SVG of its own,
which follows the reader's light or dark colours. usage: curve.py scale.json >scale.svg"""

import json
import math
import sys
from pathlib import Path

from fault import Fault, told

# One chart: its figure, its title, and how far up it goes at least, so that noise does not fill it.
CHARTS = [("cpu_s_per_gib", "CPU s per GiB", 1), ("mb_per_s", "MB/s", 100), ("program_pss_mib", "MiB of the program's processes", 50)]
WIDTH, HEIGHT = 260, 200
LEFT, TOP, GAP, BOTTOM = 46, 46, 64, 72
# Of Okabe and Ito, whom colour-blind readers can tell apart too, in a shade for a light ground and one for a dark one.
COLOURS = [("#0072b2", "#56b4e9"), ("#b35900", "#e69f00"), ("#007a5a", "#2fcf9f"), ("#a8447f", "#e79ac6")]
# And told apart without any colour.
DASHES = ["", "7 3", "2 3", "10 3 2 3"]


def draw(points, total):
    if failed := [point for point in points if point["failures"]]:
        raise Fault(f"not drawn: {len(failed)} of {len(points)} points have uploads that failed")
    backends = sorted({point["backends"] for point in points})
    clients = sorted({point["clients"] for point in points})
    width = LEFT + len(CHARTS) * WIDTH + (len(CHARTS) - 1) * GAP + 16
    height = TOP + HEIGHT + BOTTOM
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" aria-labelledby="title">',
             f'<title id="title">{title(backends, clients, total)}</title>', style(backends)]
    # A ground of its own: a page in the other colours would make the text invisible.
    parts.append('<rect width="100%" height="100%" rx="6"/>')
    for number, (field, name, least) in enumerate(CHARTS):
        parts.append(f'<g transform="translate({LEFT + number * (WIDTH + GAP)} {TOP})">')
        parts += chart(points, backends, clients, field, name, least)
        parts.append("</g>")
    parts += legend(backends, width, height)
    return "\n".join([*parts, "</svg>\n"])


def title(backends, clients, total):
    return (f"{total / (1 << 30):g} GiB through {backends[0]} to {backends[-1]} backends, as {clients[0]} to {clients[-1]:,} uploads "
            "at once: CPU, throughput and memory")


def style(backends):
    def colours(shade):
        return " ".join(f".b{count} {{ --c: {COLOURS[number][shade]} }}" for number, count in enumerate(backends))
    return f"""<style>
svg {{ --ink: #24292f; --grid: #d0d7de; --ground: #ffffff; font: 12px system-ui, sans-serif }} {colours(0)}
@media (prefers-color-scheme: dark) {{ svg {{ --ink: #e6edf3; --grid: #444c56; --ground: #161b22 }} {colours(1)} }}
rect {{ fill: var(--ground) }} text {{ fill: var(--ink) }} .name {{ font-weight: 600 }}
.middle {{ text-anchor: middle }} .end {{ text-anchor: end }}
path {{ fill: none; stroke: var(--c); stroke-width: 2 }} circle {{ fill: var(--c) }}
.grid {{ stroke: var(--grid); stroke-width: 1 }}
</style>"""


def chart(points, backends, clients, field, name, least):
    top, step = scale(max([least, *(point[field] for point in points)]))
    yield f'<text class="name" x="0" y="-14">{name}</text>'
    for mark in range(round(top / step) + 1):
        y = HEIGHT - HEIGHT * mark * step / top
        yield f'<path class="grid" d="M0 {y:.1f}H{WIDTH}"/>'
        yield f'<text class="end" x="-6" y="{y + 4:.1f}">{mark * step:,g}</text>'
    for count in clients:
        yield f'<text class="middle" x="{place(count, clients):.1f}" y="{HEIGHT + 18}">{count:,}</text>'
    yield f'<text class="middle" x="{WIDTH / 2}" y="{HEIGHT + 36}">uploads at once</text>'
    for number, replicas in enumerate(backends):
        line = [(place(point["clients"], clients), HEIGHT - HEIGHT * point[field] / top)
                for point in sorted(points, key=lambda point: point["clients"]) if point["backends"] == replicas]
        way = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in line)
        yield f'<path class="b{replicas}" stroke-dasharray="{DASHES[number]}" d="{way}"/>'
        for x, y in line:
            yield f'<circle class="b{replicas}" cx="{x:.1f}" cy="{y:.1f}" r="3"/>'


def place(count, clients):
    """On a logarithmic axis with room on both sides."""
    first, last = math.log(clients[0]), math.log(clients[-1])
    return 14 + (WIDTH - 28) * ((math.log(count) - first) / (last - first) if last > first else 0.5)


def scale(largest):
    """A round number not below it, and the step between the marks on the way there."""
    step = 10 ** math.floor(math.log10(largest / 2))
    step = next(step * factor for factor in (1, 2, 5, 10) if largest / (step * factor) <= 5)
    return step * math.ceil(largest / step), step


def legend(backends, width, height):
    for number, count in enumerate(backends):
        x, y = width / 2 + (number - len(backends) / 2) * 120, height - 14
        yield f'<path class="b{count}" stroke-dasharray="{DASHES[number]}" d="M{x:.0f} {y - 4}h28"/>'
        yield f'<text x="{x + 34:.0f}" y="{y}">{count} backend{"s" if count > 1 else ""}</text>'


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    measured = json.loads(Path(sys.argv[1]).read_text())
    with told():
        sys.stdout.write(draw(measured["points"], measured["bytes"]))
