// What flows between frontends and backends: a line for each pair, as thick as there are requests.

import { colourOf } from "./palette.js";
import { svg, sync } from "./dom.js";

const THICKEST = 9, THINNEST = 1;

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
  const height = (id) => {
    const tile = map.querySelector(`[data-key="${CSS.escape(id)}"]`)?.getBoundingClientRect();
    return tile && tile.top + tile.height / 2 - frame.top;
  };
  const of = (role) => replicas.filter((each) => each.role === role && !each.gone)
    .map((each) => ({ ...each, y: height(each.container_id) })).filter(({ y }) => y !== undefined);
  const pairs = of("frontend").flatMap((from) => of("backend").map((to) => {
    return { from, to, rate: from.links.get(to.container_id) ?? 0 };
  }));
  const most = Math.max(1, ...pairs.map(({ rate }) => rate));
  const bend = frame.width / 2;
  return pairs.map(({ from, to, rate }) => ({
    key: `${from.container_id} ${to.container_id}`,
    backend: to.container_id,
    rate,
    width: rate > 0 ? THINNEST + (THICKEST - THINNEST) * rate / most : THINNEST,
    d: `M0 ${from.y.toFixed(1)}C${bend} ${from.y.toFixed(1)} ${bend} ${to.y.toFixed(1)} ${frame.width} ${to.y.toFixed(1)}`,
  }));
}
