// What flows between frontends and backends: a line for each pair, as thick as there are requests.

import { colourOf } from "./palette.js";
import { svg, sync } from "./dom.js";

/** Widths in CSS pixels. */
const THICKEST = 8, THINNEST = 1, GAP = 2;

/** Adds the drawing to `map`, between its two columns. Returns a function that draws these replicas. */
export function startFlow(map) {
  const drawing = svg("svg", { class: "flow", "aria-hidden": "true" });
  map.insertBefore(drawing, map.lastElementChild);
  let replicas = [];
  const draw = (all = replicas) => {
    replicas = all;
    sync(drawing, lines(map, drawing, all), (line) => line.key, () => svg("path"), (path, line) => {
      path.setAttribute("class", line.rate > 0 ? colourOf(line.backend) : "idle");
      path.setAttribute("d", line.d);
      path.setAttribute("stroke-width", line.width.toFixed(1));
    });
  };
  new ResizeObserver(() => draw()).observe(map);
  return draw;
}

function lines(map, drawing, replicas) {
  const frame = drawing.getBoundingClientRect();
  if (frame.width === 0) return [];
  const middle = (id) => {
    const tile = map.querySelector(`[data-key="${CSS.escape(id)}"]`)?.getBoundingClientRect();
    return tile && tile.top + tile.height / 2 - frame.top;
  };
  const of = (role) => replicas.filter((each) => each.role === role && !each.gone)
    .map((each) => ({ id: each.container_id, links: each.links, y: middle(each.container_id) }))
    .filter(({ y }) => y !== undefined);
  const frontends = of("frontend"), backends = of("backend");
  const pairs = frontends.flatMap((from) => backends.map((to) => ({ from, to, rate: from.links.get(to.id) ?? 0 })));
  const most = Math.max(1, ...pairs.map(({ rate }) => rate));
  for (const pair of pairs) pair.width = pair.rate > 0 ? THINNEST + (THICKEST - THINNEST) * pair.rate / most : THINNEST;
  for (const from of frontends) stack(pairs.filter((pair) => pair.from === from), from.y, "start");
  for (const to of backends) stack(pairs.filter((pair) => pair.to === to), to.y, "end");
  return pairs.map((pair) => ({
    key: `${pair.from.id} ${pair.to.id}`,
    backend: pair.to.id,
    rate: pair.rate,
    width: pair.width,
    d: curve(pair.start, pair.end, frame.width),
  }));
}

/** Puts the ends of lines beside each other, around `middle`. */
function stack(pairs, middle, end) {
  let y = middle - pairs.reduce((sum, { width }) => sum + width + GAP, -GAP) / 2;
  for (const pair of pairs) {
    pair[end] = y + pair.width / 2;
    y += pair.width + GAP;
  }
}

function curve(from, to, width) {
  const bend = (width / 2).toFixed(1);
  return `M0 ${from.toFixed(1)}C${bend} ${from.toFixed(1)} ${bend} ${to.toFixed(1)} ${width.toFixed(1)} ${to.toFixed(1)}`;
}
