// The cluster as it lives: a tile for each replica, what flows between them, and what has happened.

import { startFlow } from "./flow.js";
import { startHistory } from "./history.js";
import { startProbe } from "./probe.js";
import { makeTile, updateTile } from "./tile.js";
import { versionColour } from "./palette.js";
import { h, sync, write } from "./dom.js";
import { number, onLanguage, t } from "./i18n.js";

const ROLES = ["frontend", "backend"];
/** How long a replica that has left stays on the screen, so that one sees it go. */
const FAREWELL_MS = 2500;
/** How much a second counts against those before it, in what is shown of traffic. */
const WEIGHT = 0.6;

/** Draws the cluster into `#cluster` and keeps it as `events` tell. */
export function startCluster(events) {
  const columns = Object.fromEntries(ROLES.map((role) => [role, column(role)]));
  const versions = h("p", { class: "versions" });
  const map = h("div", { class: "map" }, columns.frontend.element, columns.backend.element);
  const notice = h("p", { class: "notice", "data-t": "cluster_waiting" }, t("cluster_waiting"));
  const card = document.getElementById("cluster");
  // Where it stands above the files, and not beside them, they come first.
  card.open = matchMedia("(min-width: 1088px)").matches;
  card.append(notice, map, versions);
  const drawFlow = startFlow(map);
  startHistory(events);
  startProbe();

  const known = new Map();
  let now = new Date();
  const draw = () => {
    const all = [...known.values()].sort(inOrder);
    notice.hidden = all.length > 0;
    for (const role of ROLES) columns[role].show(all.filter((each) => each.role === role), now);
    const living = all.filter((each) => !each.gone);
    showVersions(versions, living);
    showCounts(living);
    drawFlow(all);
  };
  events.addEventListener("replicas", ({ detail }) => {
    now = new Date(detail.now);
    take(known, detail.replicas, draw);
    draw();
  });
  events.addEventListener("traffic", ({ detail }) => {
    measure(known, detail);
    draw();
  });
  onLanguage(draw);
}

/** By slot on a Swarm, else by age: a replica keeps its place. */
function inOrder(a, b) {
  return (a.task_slot ?? 0) - (b.task_slot ?? 0) || a.started_at.localeCompare(b.started_at)
    || a.container_id.localeCompare(b.container_id);
}

/** Takes over what the replicas said; those that are no longer told of say goodbye. */
function take(known, replicas, draw) {
  const living = new Set(replicas.map((replica) => replica.container_id));
  for (const replica of replicas) {
    const traffic = { rate: 0, bytesIn: 0, bytesOut: 0, links: new Map() };
    known.set(replica.container_id, { ...traffic, ...known.get(replica.container_id), ...replica, gone: false });
  }
  for (const [id, replica] of known) {
    if (living.has(id) || replica.gone) continue;
    Object.assign(replica, { gone: true, rate: 0, bytesIn: 0, bytesOut: 0, in_flight: 0 });
    setTimeout(() => {
      if (!replica.gone || known.get(id) !== replica) return;
      known.delete(id);
      draw();
    }, FAREWELL_MS);
  }
}

/** Takes over what was measured, smoothed: a bar that jumps each second is not read. */
function measure(known, { replicas, links }) {
  const smooth = (before, rate) => {
    const after = before + WEIGHT * (rate - before);
    return after < 0.5 ? rate : after;
  };
  for (const measured of replicas) {
    const replica = known.get(measured.container_id);
    if (!replica || replica.gone) continue;
    replica.rate = smooth(replica.rate, measured.requests_per_second);
    replica.bytesIn = smooth(replica.bytesIn, measured.bytes_in_per_second);
    replica.bytesOut = smooth(replica.bytesOut, measured.bytes_out_per_second);
    replica.in_flight = measured.in_flight;
  }
  const told = new Map(links.map((link) => [`${link.frontend} ${link.backend}`, link.requests_per_second]));
  for (const frontend of known.values()) {
    if (frontend.role !== "frontend") continue;
    for (const backend of known.values()) {
      if (backend.role !== "backend") continue;
      const rate = told.get(`${frontend.container_id} ${backend.container_id}`) ?? 0;
      frontend.links.set(backend.container_id, smooth(frontend.links.get(backend.container_id) ?? 0, rate));
    }
  }
}

function column(role) {
  const count = h("span", { class: "count" });
  const tiles = h("ul", { class: "tiles", role: "list" });
  const heading = h("h3", { id: `${role}s` }, h("span", { "data-t": `${role}s` }, t(`${role}s`)), " ", count);
  tiles.setAttribute("aria-labelledby", heading.id);
  const show = (replicas, now) => {
    write(count, number(replicas.filter((each) => !each.gone).length));
    const total = replicas.reduce((sum, each) => sum + each.rate, 0);
    sync(tiles, replicas, (each) => each.container_id, makeTile, (tile, each) => updateTile(tile, each, { total, now }));
  };
  return { element: h("section", { class: `column ${role}s` }, heading, tiles), show };
}

function showCounts(replicas) {
  const counts = ROLES.map((role) => t(`${role}s_count`, { count: replicas.filter((each) => each.role === role).length }));
  write(document.getElementById("replicas"), counts.join(", "));
}

function showVersions(element, replicas) {
  const counts = new Map();
  for (const { version } of replicas) counts.set(version, (counts.get(version) ?? 0) + 1);
  element.hidden = counts.size < 2;
  sync(element, [...counts], ([version]) => version,
    ([version]) => h("span", { class: versionColour(version) }, h("i", { class: "stripe" }), h("span")),
    (chip, [version, count]) => write(chip.lastChild, `${version} × ${number(count)}`));
}
