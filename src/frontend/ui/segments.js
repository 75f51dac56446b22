// Who stored which part of a file, and through whom it came: as a bar, and in words.

import { ask, pathOf } from "./api.js";
import { h, svg } from "./dom.js";
import { bytes, language, t } from "./i18n.js";
import { colourOf } from "./palette.js";

const AT_ONCE = 2, RETRY_MS = 5000;
const BACKEND = "backend_container_id", FRONTEND = "frontend_container_id";

const percent = (share) => share.toLocaleString(language(), { style: "percent", maximumFractionDigits: share < 0.1 ? 1 : 0 });

/** How much each replica has, the most first: `[id, {bytes, share}]`. */
function sharesOf(segments, who) {
  const total = segments.reduce((sum, { length }) => sum + length, 0);
  const shares = new Map();
  for (const { [who]: id, length } of segments) shares.set(id, (shares.get(id) ?? 0) + length);
  return [...shares].sort((a, b) => b[1] - a[1]).map(([id, size]) => [id, { size, share: size / total }]);
}

function inWords(shares, key) {
  const list = shares.map(([id, { share }]) => `${id.slice(0, 4)}… ${percent(share)}`).join(", ");
  return t(key, { count: shares.length, list });
}

/** One path for each replica, however many parts it has: a file of gigabytes has thousands. */
function bar(segments, who, shares, words) {
  const total = segments.reduce((sum, { length }) => sum + length, 0);
  const paths = new Map(shares.map(([id]) => [id, ""]));
  for (const { offset, length, [who]: id } of segments) {
    const [x, width] = [offset, length].map((value) => +((value / total) * 1000).toFixed(3));
    paths.set(id, `${paths.get(id)}M${x} 0h${width}v1h-${width}z`);
  }
  return svg("svg", { class: "parts", viewBox: "0 0 1000 1", preserveAspectRatio: "none", role: "img", "aria-label": words },
    svg("title", {}, words),
    [...paths].map(([id, d]) => svg("path", { class: colourOf(id), d })));
}

/** The small bar of a row: which backends. */
export function smallBar(segments) {
  const shares = sharesOf(segments, BACKEND);
  return bar(segments, BACKEND, shares, inWords(shares, "parts"));
}

function large(segments, who, title, key) {
  const shares = sharesOf(segments, who);
  return h("section", { class: "origin" },
    h("h3", {}, t(title)),
    bar(segments, who, shares, inWords(shares, key)),
    h("ul", { class: "legend", role: "list" }, shares.map(([id, { size, share }]) => h("li", {},
      h("span", { class: `dot ${colourOf(id)}` }), h("code", {}, id), h("span", {}, bytes(size)), h("span", {}, percent(share))))));
}

/** Both bars of one file, with their legends. */
export function largeBars(segments) {
  return [large(segments, BACKEND, "stored_by", "parts"), large(segments, FRONTEND, "came_through", "parts_through")];
}

/** Fetches the segments of rows that are on the screen, a few at a time, each once; tells `found(row, segments)`. */
export class Segments {
  #known = new Map();
  #waiting = new Set();
  #running = 0;
  #found;
  #observer = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) isIntersecting ? this.#waiting.add(target) : this.#waiting.delete(target);
    this.#work();
  });

  constructor(found) {
    this.#found = found;
  }

  /** A row, which has the id in `data-key`. */
  watch(row) {
    this.#observer.observe(row);
  }

  forget(row) {
    this.#observer.unobserve(row);
    this.#waiting.delete(row);
  }

  of(id) {
    return this.#known.get(id);
  }

  async #work() {
    if (this.#running >= AT_ONCE || this.#waiting.size === 0) return;
    const [row] = this.#waiting;
    const id = row.dataset.key;
    this.forget(row);
    this.#running += 1;
    this.#work();
    try {
      if (!this.#known.has(id)) this.#known.set(id, (await ask(pathOf(id))).segments ?? []);
      this.#found(row, this.#known.get(id));
    } catch (refused) {
      if (refused.passes) setTimeout(() => row.isConnected && this.watch(row), RETRY_MS);
    }
    this.#running -= 1;
    this.#work();
  }
}
