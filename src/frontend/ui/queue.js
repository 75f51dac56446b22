// What is sent, a few files at a time. Nothing of it is on the screen here.

import { hold } from "./hold.js";
import { Speed } from "./speed.js";
import { forget, keyOf, known, onForgotten, remember, same, urlOf } from "./stored.js";
import { Refused, offsetOf, send, terminate } from "./tus.js";

const AT_ONCE = 3, ASK_AGAIN_MS = 2000, RECORD_TRIES = 20;
const RUNNING = ["waiting", "sending", "retrying"];

export const running = ({ state }) => RUNNING.includes(state);

/** Dispatches `change` when anything is another, `complete` and `failed` with the item in `detail`.
 *
 *  An item's `state` is `waiting` (for its turn), `sending`, `retrying`, `paused`, `elsewhere` (another tab sends it), `missing`
 *  (begun in an earlier visit: the file must be chosen again), `failed` (see `code` and `problem`), or `complete`. */
export class Queue extends EventTarget {
  items = [];
  #largest;
  #made = 0;
  #batch = 0;

  constructor(largest) {
    super();
    this.#largest = largest;
  }

  /** Shows what an earlier visit has left unfinished, and no other tab is sending. */
  async restore() {
    onForgotten((key) => this.#remove((item) => item.key === key && item.state === "missing"));
    await Promise.all(known().map(async (entry) => {
      const release = await hold(entry.key);
      release?.();
      if (!release || this.items.some(({ key }) => key === entry.key)) return;
      const item = this.#make(entry, entry.key, { state: "missing", url: entry.url, sent: null });
      const offset = await offsetOf(entry.url).catch(() => undefined);
      if (item.state !== "missing" || offset === undefined) return;
      if (offset === null) {
        forget(item.key);
        this.#remove((other) => other === item);
      } else if (offset === item.size) this.#finish(item);
      else this.#set(item, { sent: offset });
    }));
  }

  /** Whether the file was not in the queue yet. */
  add(file, path = file.webkitRelativePath ?? "") {
    const key = keyOf(file, path);
    const item = this.items.find((other) => other.key === key && other.state !== "complete")
      ?? this.items.find((other) => other.state === "missing" && same(other, file))
      ?? this.#make(file, key, { state: "failed" });
    if (running(item) || item.state === "elsewhere") return false;
    item.file = file;
    if (file.size > this.#largest) this.#fail(item, "too_large", {});
    else this.resume(item);
    return true;
  }

  pause(item) {
    if (!running(item) && item.state !== "elsewhere") return;
    this.#set(item, { state: "paused" });
    item.control?.abort();
  }

  /** Also tries again what has failed. */
  resume(item) {
    if (!this.items.some(running)) this.#batch += 1;
    this.#set(item, { state: "waiting", batch: this.#batch, code: null, problem: {} });
    this.#begin();
  }

  /** Takes an item out. Unless it is complete, or another tab is sending it, what is stored of it is freed. */
  async remove(item) {
    this.#remove((other) => other === item);
    item.control?.abort();
    if (item.state === "complete") return;
    await item.run;
    const release = await hold(item.key);
    if (!release) return;
    forget(item.key);
    if (item.url) await terminate(item.url);
    release();
  }

  /** How far all are that were begun together with those that run: `{count, done, sent, size, speed}`. */
  total() {
    const together = this.items.filter((item) => item.batch === this.#batch && (running(item) || item.state === "complete"));
    const sum = (value) => together.reduce((total, item) => total + value(item), 0);
    return {
      count: together.length,
      done: together.filter(({ state }) => state === "complete").length,
      sent: sum(({ sent }) => sent),
      size: sum(({ size }) => size),
      speed: sum((item) => (item.state === "sending" ? item.speed.now() : 0)),
    };
  }

  #make({ name, size, lastModified, type }, key, rest) {
    const item = { id: (this.#made += 1), name, size, lastModified, type, key, file: null, url: null, sent: 0, resumed: 0, speed: new Speed(), ...rest };
    this.items.push(item);
    this.#set(item, {});
    return item;
  }

  #set(item, values) {
    Object.assign(item, values);
    this.dispatchEvent(new Event("change"));
  }

  #remove(which) {
    this.items = this.items.filter((item) => !which(item));
    this.dispatchEvent(new Event("change"));
    this.#begin();
  }

  #begin() {
    for (const item of this.items) {
      if (this.items.filter(({ run }) => run).length >= AT_ONCE) return;
      // What was paused a moment ago may still have to let go of its file.
      if (item.state === "waiting" && !item.run) this.#start(item);
    }
  }

  #start(item) {
    item.control = new AbortController();
    item.run = this.#run(item, item.control.signal).finally(() => {
      item.run = null;
      this.#begin();
    });
  }

  async #run(item, signal) {
    const release = await hold(item.key);
    // Before the other tab has done with it: then it is known by this that it is complete.
    item.url ??= urlOf(item.key);
    if (!release) return this.#standBack(item, signal);
    try {
      signal.throwIfAborted();
      const tell = (what, detail) => this.#hear(item, what, detail);
      this.#set(item, { state: "sending", resumed: 0 });
      await send(item.file, { url: item.url, signal, tell });
      this.#finish(item);
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof Refused)) console.error(error);
      this.#fail(item, error.code ?? "internal", error.problem ?? {});
    } finally {
      release();
    }
  }

  #standBack(item, signal) {
    if (signal.aborted) return;
    this.#set(item, { state: "elsewhere" });
    setTimeout(() => {
      if (item.state === "elsewhere" && !item.run && this.items.includes(item)) this.#start(item);
    }, ASK_AGAIN_MS);
  }

  #hear(item, what, detail) {
    if (what === "url") {
      item.url = detail.url;
      if (item.url) remember(item.key, item, item.url);
      else forget(item.key);
    } else if (what === "offset") {
      item.speed.restart(detail.offset);
      this.#set(item, { state: "sending", sent: detail.offset, resumed: detail.resumed ? detail.offset : 0 });
    } else if (what === "progress") {
      item.speed.add(detail.sent);
      this.#set(item, { sent: detail.sent });
    } else if (what === "waiting") this.#set(item, { state: "retrying", ...detail });
    else if (what === "trying") this.#set(item, { until: null });
    else if (detail.frontend) this.#set(item, detail);
  }

  #fail(item, code, problem) {
    this.#set(item, { state: "failed", code, problem });
    this.dispatchEvent(new CustomEvent("failed", { detail: item }));
  }

  async #finish(item) {
    forget(item.key);
    this.#set(item, { state: "complete", sent: item.size, file: null });
    this.dispatchEvent(new CustomEvent("complete", { detail: item }));
    for (let tries = 0; tries < RECORD_TRIES && !item.record; tries += 1) {
      const answer = await fetch(`/api/uploads/${item.url.split("/").pop()}`).catch(() => null);
      if (answer?.ok) this.#set(item, { record: await answer.json() });
      else if (answer?.status === 404 || answer?.status === 410) return;
      else await new Promise((resolve) => setTimeout(resolve, ASK_AGAIN_MS));
    }
    if (item.record) this.dispatchEvent(new CustomEvent("record", { detail: item.record }));
  }
}
