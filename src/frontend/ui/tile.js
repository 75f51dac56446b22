// One replica on the screen.

import { colourOf, versionColour } from "./palette.js";
import { h, write } from "./dom.js";
import { bytes, duration, number, t } from "./i18n.js";

/** An empty tile; `updateTile` fills it. */
export function makeTile(replica) {
  const part = (name, tag = "span") => h(tag, { class: name });
  return h("li", { class: "tile" },
    h("p", { class: "who" }, h("i", { class: `dot ${colourOf(replica.container_id)}` }),
      h("code", {}, replica.container_id), part("state")),
    part("where", "p"),
    h("div", { class: `share ${colourOf(replica.container_id)}` }, h("div", { class: "track" }, h("i")), part("percent")),
    part("rates", "p"));
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
  write(part("percent"), total > 0 ? `${number(share * 100)} %` : "–");
  write(part("rates"), rates(replica));
}

/** What is known of a replica, in one word: `gone`, `silent`, or what it says itself. */
function stateOf({ gone, silent, state }) {
  if (gone) return "gone";
  return silent && state !== "draining" ? "silent" : state;
}

function whereabouts({ node, task_slot: slot, version, started_at: started }, now) {
  const up = duration((now - new Date(started)) / 1000);
  return [node, slot && t("slot", { slot: String(slot) }), version, t("up", { time: up })].filter(Boolean).join(" · ");
}

function rates({ rate, in_flight: open, bytesIn, bytesOut }) {
  const requests = number(rate, rate < 10 ? 1 : 0);
  return [t("requests_per_second", { rate: requests }), t("in_flight", { open: number(open) }),
    t("bytes_in", { rate: bytes(bytesIn) }), t("bytes_out", { rate: bytes(bytesOut) })].join(" · ");
}
