// One replica on the screen.

import { colourOf, versionColour } from "./palette.js";
import { h, write } from "./dom.js";
import { bytes, duration, number, percent, t } from "./i18n.js";

/** An empty tile; `updateTile` fills it. */
export function makeTile(replica) {
  const part = (name, tag = "span") => h(tag, { class: name });
  return h("li", { class: "tile" },
    h("p", { class: "who" }, h("i", { class: `dot ${colourOf(replica.container_id)}` }),
      h("code", {}, replica.container_id), part("state")),
    part("where", "p"),
    h("div", { class: `share ${colourOf(replica.container_id)}` }, h("div", { class: "track" }, h("i")), part("percent")),
    h("p", { class: "rates" }, part("requests"), part("open"), arrow("↓", "in"), arrow("↑", "out")));
}

/** A number behind an arrow, which has a name for those who do not see it. */
function arrow(sign, name) {
  return h("span", {}, h("span", { "aria-hidden": "true" }, `${sign} `), h("span", { class: "hidden" }), h("span", { class: name }));
}

/** Shows `replica` as it is. `total` is the requests per second of all of its role, `now` the time by the service's clock. */
export function updateTile(tile, replica, { total, now }) {
  const state = stateOf(replica);
  const name = `tile ${versionColour(replica.version)} ${state}`;
  if (tile.className !== name) tile.className = name;
  const part = (name) => tile.querySelector(`.${name}`);
  write(part("state"), t(`state_${state}`));
  write(part("where"), whereabouts(replica, now));
  const share = total > 0 ? replica.rate / total : 0;
  part("track").firstChild.style.setProperty("width", `${share * 100}%`);
  write(part("percent"), total > 0 ? percent(share) : "–");
  showRates(part, replica);
}

/** What is known of a replica, in one word: `gone`, `silent`, or what it says itself. */
function stateOf({ gone, silent, state }) {
  if (gone) return "gone";
  return silent && state !== "draining" ? "silent" : state;
}

function whereabouts({ node, task_slot: slot, version, started_at: started }, now) {
  const up = duration((now - new Date(started)) / 1000, 1);
  return [node, slot && t("slot", { slot: String(slot) }), version, t("up", { time: up })].filter(Boolean).join(" · ");
}

function showRates(part, { rate, in_flight: open, bytesIn, bytesOut }) {
  write(part("requests"), t("requests_per_second", { rate: number(rate, rate < 10 ? 1 : 0) }));
  write(part("open"), t("in_flight", { open }));
  for (const [name, count] of [["in", bytesIn], ["out", bytesOut]]) {
    write(part(name).previousSibling, `${t(`bytes_${name}`)} `);
    write(part(name), `${bytes(count)}/s`);
  }
}
