// Who stored which part of a file, and through whom it came: as a bar, and in words.

import { ask } from "./api.js";
import { h, svg } from "./dom.js";
import { bytes, percent, t } from "./i18n.js";
import { colourOf } from "./palette.js";

const AT_ONCE = 2, RETRY_MS = 5000;

/** What each replica has, the most first. Its part of a bar is one path: a file of gigabytes has thousands of segments. What is not
    told of, since a record tells of 20,000 of them, stays blank. */
function sharesOf({ segments, received_bytes: total }, who) {
  const scale = (value) => +((value / total) * 1000).toFixed(3);
  const shares = new Map();
  for (const { offset, length, [`${who}_container_id`]: id } of segments) {
    const share = shares.get(id) ?? { id, size: 0, path: "" };
    share.size += length;
    share.path += `M${scale(offset)} 0h${scale(length)}v1h-${scale(length)}z`;
    shares.set(id, share);
  }
  return [...shares.values()].sort((a, b) => b.size - a.size).map((share) => ({ ...share, part: percent(share.size / total) }));
}

/** A bar of those who stored it (`backend`) or through whom it came (`frontend`). */
export function bar(record, who) {
  const shares = sharesOf(record, who);
  const list = shares.map(({ id, part }) => `${id.slice(0, 4)}… ${part}`).join(", ");
  const words = `${t(`${who}s_count`, { count: shares.length })}: ${list}`;
  return svg("svg", { class: "parts", viewBox: "0 0 1000 1", preserveAspectRatio: "none", role: "img", "aria-label": words },
    svg("title", {}, words), shares.map(({ id, path }) => svg("path", { class: colourOf(id), d: path })));
}

/** The same with a heading and a legend. */
export function legend(record, who) {
  return h("section", {}, h("h3", {}, t(`by_${who}s`)), bar(record, who),
    h("ul", { class: "legend", role: "list" }, sharesOf(record, who).map(({ id, size, part }) => h("li", {},
      h("span", { class: `dot ${colourOf(id)}` }), h("code", {}, id), h("span", {}, bytes(size)), h("span", {}, part)))));
}

/** Fetches the segments of rows that are on the screen, a few at a time, each once, and draws them. */
export class Segments {
  #known = new Map();
  #waiting = new Set();
  #running = 0;
  #observer = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) this.#waiting[isIntersecting ? "add" : "delete"](target);
    this.#work();
  });

  /** A row, which has the id in `data-key` and an element `.origins`. */
  watch(row) {
    this.#observer.observe(row);
  }

  draw(row) {
    const record = this.#known.get(row.dataset.key);
    if (record?.segments.length) row.querySelector(".origins").replaceChildren(bar(record, "backend"));
  }

  async #work() {
    const [row] = this.#waiting;
    if (!row || this.#running >= AT_ONCE) return;
    const { key } = row.dataset;
    this.#waiting.delete(row);
    this.#observer.unobserve(row);
    this.#running += 1;
    this.#work();
    try {
      if (!this.#known.has(key)) this.#known.set(key, await ask(`/api/uploads/${key}`));
      this.draw(row);
    } catch ({ passes }) {
      if (passes) setTimeout(() => this.watch(row), RETRY_MS);
    }
    this.#running -= 1;
    this.#work();
  }
}
