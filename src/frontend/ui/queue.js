// What is sent, a few files at a time. Nothing of it is on the screen here.

import { ask } from "./api.js";
import { hold } from "./hold.js";
import { Speed } from "./speed.js";
import { forget, keyOf, known, onForgotten, remember, same, urlOf } from "./stored.js";
import { offsetOf, send, terminate } from "./tus.js";

const AT_ONCE = 3, ASK_AGAIN_MS = 2000, HOLD_TRIES = 5, RECORD_TRIES = 20;

const moment = () => new Promise((resolve) => setTimeout(resolve, ASK_AGAIN_MS));

export const running = ({ state }) => ["waiting", "sending", "retrying"].includes(state);
export const complete = ({ state }) => state === "complete";
/** What was chosen cannot be read any more: browsers keep to the file as it was. */
export const changed = ({ state, code }) => state === "failed" && code === "unreadable";

/** Dispatches `change` when anything is another, and `failed`, `complete` and `record` (it is known) with the item in `detail`.
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
  restore() {
    onForgotten((key) => this.#drop(this.items.find((item) => item.key === key && item.state === "missing")));
    for (const each of known()) this.#restore(each);
  }

  async #restore({ key, url, ...file }) {
    if (!await this.#letGo(key) || urlOf(key) !== url || this.items.some((item) => item.key === key)) return;
    const item = this.#make(file, key, { state: "missing", url, path: file.path });
    const offset = await offsetOf(url).catch(() => 0);
    if (item.state !== "missing") return;
    if (offset === item.size) this.#finish(item);
    else if (offset !== null) this.#set(item, { sent: offset });
    else {
      forget(key);
      this.#drop(item);
    }
  }

  /** Whether no tab sends the file. The visit that has just been left, or is loaded anew, may hold it for a moment more. */
  async #letGo(key) {
    for (let tries = 1; ; tries += 1) {
      const release = await hold(key);
      release?.();
      if (release || tries === HOLD_TRIES) return release;
      await moment();
    }
  }

  /** Whether the file was not in the queue yet. `path` is where it lies in a folder that was chosen as a whole. What the same
   *  file was before it was changed is removed. */
  add(file, path = "") {
    const key = keyOf(file, path);
    this.items.filter((other) => changed(other) && other.name === file.name && other.path === path && other.key !== key)
      .forEach((other) => this.remove(other));
    const item = this.items.find((other) => other.key === key && !complete(other))
      ?? this.items.find((other) => other.state === "missing" && same(other, file))
      ?? this.#make(file, key, { state: "new", path });
    if (running(item) || item.state === "elsewhere") return false;
    item.file = file;
    if (file.size > this.#largest) this.#fail(item, "too_large");
    else this.resume(item);
    return true;
  }

  pause(item) {
    this.#set(item, { state: "paused" });
    item.control?.abort();
  }

  /** Also tries again what has failed. */
  resume(item) {
    if (!this.items.some(running)) this.#batch += 1;
    this.#set(item, { state: "waiting", batch: this.#batch });
    this.#begin();
  }

  /** Takes an item out. What is stored of it is freed, unless it is complete or another tab is sending it. */
  async remove(item) {
    this.#drop(item);
    item.control?.abort();
    if (complete(item)) return;
    await item.run;
    const release = await hold(item.key);
    if (!release) return;
    forget(item.key);
    if (item.url) await terminate(item.url);
    release();
  }

  /** How far those are that were begun together with what runs. */
  total() {
    const batch = this.items.filter((item) => item.batch === this.#batch && (running(item) || complete(item)));
    const sum = (value) => batch.reduce((total, item) => total + value(item), 0);
    return {
      left: batch.filter(running).length,
      sent: sum(({ sent }) => sent),
      size: sum(({ size }) => size),
      speed: sum(({ state, speed }) => (state === "sending" ? speed.now() : 0)),
    };
  }

  #make({ name, size, lastModified, type }, key, rest) {
    const item = { id: this.#made += 1, name, size, lastModified, type, key, sent: 0, speed: new Speed(), ...rest };
    this.items.push(item);
    this.#set(item, {});
    return item;
  }

  #set(item, values, event = "change") {
    Object.assign(item, values);
    this.dispatchEvent(new CustomEvent("change"));
    if (event !== "change") this.dispatchEvent(new CustomEvent(event, { detail: item }));
  }

  #drop(item) {
    this.items = this.items.filter((other) => other !== item);
    this.#set({}, {});
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
    // Also when it is taken: once the other tab has sent it all, only its URL tells that it is complete.
    item.url ??= urlOf(item.key);
    if (!release) return signal.aborted || this.#standBack(item);
    try {
      signal.throwIfAborted();
      this.#set(item, { state: "sending", resumed: 0 });
      await send(item.file, { url: item.url, signal, tell: (what, detail) => this.#hear(item, what, detail) });
      this.#finish(item);
    } catch (error) {
      if (!signal.aborted) this.#fail(item, error.code ?? error.message, error.problem);
    } finally {
      release();
    }
  }

  #standBack(item) {
    this.#set(item, { state: "elsewhere" });
    setTimeout(() => {
      if (item.state === "elsewhere" && !item.run && this.items.includes(item)) this.#start(item);
    }, ASK_AGAIN_MS);
  }

  #hear(item, what, detail) {
    if (what === "url") {
      if (detail.url) remember(item.key, detail.url);
      else forget(item.key);
    } else if (what === "offset") {
      item.speed.restart(detail.offset);
      detail = { state: "sending", sent: detail.offset, resumed: detail.resumed ? detail.offset : 0 };
    } else if (what === "progress") item.speed.add(detail.sent);
    else if (what === "waiting") detail = { state: "retrying", ...detail };
    else if (what === "trying") detail = { until: 0 };
    else if (!detail.frontend || !detail.backend) return;
    this.#set(item, detail);
  }

  #fail(item, code, problem = {}) {
    this.#set(item, { state: "failed", code, problem }, "failed");
  }

  async #finish(item) {
    forget(item.key);
    this.#set(item, { state: "complete", sent: item.size, file: null }, "complete");
    for (let tries = 0; tries < RECORD_TRIES; tries += 1) {
      try {
        return this.#set(item, { record: await ask(`/api/uploads/${item.url.split("/").pop()}`) }, "record");
      } catch ({ status }) {
        // It was deleted meanwhile.
        if (status === 410) return;
      }
      await moment();
    }
  }
}
