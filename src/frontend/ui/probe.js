// Sends requests and shows who answers them: the balancing, seen from a browser.

import { colourOf } from "./palette.js";
import { h, say, sync, write } from "./dom.js";
import { number, onLanguage, percent, t } from "./i18n.js";

/** As many connections as a browser opens to one host. */
const AT_ONCE = 6;
const PATIENCE_MS = 15_000;

/** Adds the form and its plot to `#cluster`. */
export function startProbe() {
  const count = h("input", { id: "probe-count", type: "number", min: 1, max: 10_000, value: 200, required: true, inputmode: "numeric" });
  const button = h("button", {});
  const summary = h("p", { class: "fine" });
  const plots = { frontend: plot("frontends"), backend: plot("backends") };
  const results = h("div", { class: "plots", hidden: true }, plots.frontend.element, plots.backend.element);
  const form = h("form", { class: "probe" },
    h("label", { for: "probe-count", "data-t": "probe_label" }, t("probe_label")), h("div", {}, count, button), summary);
  document.getElementById("cluster").append(form, results);

  let run = null;
  const show = () => {
    write(button, t(run?.going ? "probe_stop" : "probe_send"));
    if (!run) return;
    write(summary, t(run.going ? "probe_going" : "probe_done", { ...run, seconds: number(run.seconds(), 1) }));
    summary.classList.toggle("bad", run.failed > 0);
    for (const role of ["frontend", "backend"]) plots[role].show(run[role]);
    results.hidden = false;
  };
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (run?.going) return void run.stop();
    run = new Run(Number(count.value));
    const drawing = setInterval(show, 100);
    await run.finished();
    clearInterval(drawing);
    show();
    say(summary.textContent);
  });
  onLanguage(show);
}

/** One run of `wanted` requests. */
class Run {
  answered = 0;
  failed = 0;
  going = true;
  frontend = new Map();
  backend = new Map();
  #begun = performance.now();
  #ended = null;
  #left;
  #stopping = new AbortController();

  constructor(wanted) {
    this.wanted = wanted;
    this.#left = wanted;
  }

  seconds() {
    return ((this.#ended ?? performance.now()) - this.#begun) / 1000;
  }

  stop() {
    this.#left = 0;
    this.#stopping.abort();
  }

  /** Returns when each request is answered or has failed. */
  async finished() {
    await Promise.all(Array.from({ length: AT_ONCE }, async () => {
      while (this.#left-- > 0) await this.#ask();
    }));
    this.#ended = performance.now();
    this.going = false;
  }

  async #ask() {
    const late = AbortSignal.timeout(PATIENCE_MS);
    try {
      const signal = AbortSignal.any([late, this.#stopping.signal]);
      const answer = await fetch("/frontend-info/", { cache: "no-store", signal });
      if (!answer.ok) throw new Error(`status ${answer.status}`);
      const { frontend_container_id: frontend, backend_container_id: backend } = await answer.json();
      // A frontend says who it is also when it found no backend.
      if (!backend) throw new Error("no backend answered");
      add(this.frontend, frontend);
      add(this.backend, backend);
      this.answered += 1;
    } catch {
      if (!this.#stopping.signal.aborted) this.failed += 1;
    }
  }
}

const add = (counts, id) => counts.set(id, (counts.get(id) ?? 0) + 1);

function plot(heading) {
  const list = h("ul", { class: "plot", role: "list" });
  const title = h("h3", { id: `plot-${heading}`, "data-t": heading }, t(heading));
  list.setAttribute("aria-labelledby", title.id);
  const show = (counts) => {
    const total = [...counts.values()].reduce((sum, each) => sum + each, 0);
    const most = Math.max(1, ...counts.values());
    sync(list, [...counts].sort(([a], [b]) => a.localeCompare(b)), ([id]) => id,
      ([id]) => h("li", { class: colourOf(id) }, h("code", {}, id), h("div", { class: "track" }, h("i")), h("span")),
      (row, [, count]) => {
        row.children[1].firstChild.style.setProperty("width", `${count / most * 100}%`);
        write(row.lastChild, `${number(count)} · ${percent(count / total)}`);
      });
  };
  return { element: h("section", {}, title, list), show };
}
