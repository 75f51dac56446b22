// The list as far as it is loaded. A page is asked for by a cursor that names the last file before it: what comes or goes
// meanwhile moves nothing out of reach.

import { ask } from "./api.js";
import { finds, orderOf } from "./order.js";

const PAGE = 50, LARGEST_PAGE = 1000;
const FIRST_RETRY_MS = 1000, LAST_RETRY_MS = 15_000;

/** Dispatches `change`; its `detail` may have ids that are `fresh`, and whether this is what a search `found`. */
export class Listing extends EventTarget {
  records = [];
  more = false;
  /** What is under way: `find`, `more` or `again`. */
  asking = null;
  /** Why the last question had no answer. */
  trouble = null;
  /** The query that `records` answer. */
  shown = null;

  #query = null;
  #cursor = null;
  /** Beyond it nothing is loaded. */
  #last = null;
  #abort = null;
  #timer = null;
  #retryMs = FIRST_RETRY_MS;
  /** Completed while a question is under way, whose answer may be older. */
  #heard = [];
  /** Ids never come back. */
  #gone = new Set();

  find(query) {
    this.#query = query;
    this.#ask("find");
  }

  next() {
    if (this.more && !this.asking && !this.trouble) this.#ask("more");
  }

  /** Asks anew for all that is loaded. */
  reload() {
    this.#ask(this.shown === this.#query ? "again" : "find");
  }

  retry() {
    if (this.trouble?.passes) this.#ask(this.trouble.asking);
  }

  completed(records) {
    const known = records.filter(({ id, state }) => state === "complete" && !this.#gone.has(id));
    if (this.asking) this.#heard.push(...known);
    const fresh = this.shown ? known.filter((record) => this.#put(record)) : [];
    this.#tell({ fresh: fresh.map(({ id }) => id) });
  }

  removed(ids) {
    for (const id of ids) this.#gone.add(id);
    this.records = this.records.filter(({ id }) => !this.#gone.has(id));
    this.#tell();
  }

  async #ask(asking) {
    this.#abort?.abort();
    clearTimeout(this.#timer);
    const abort = this.#abort = new AbortController();
    const query = this.#query;
    this.asking = asking;
    this.#heard = [];
    this.#tell();
    try {
      const answer = await this.#pages(query, abort.signal);
      if (this.#abort === abort) this.#land(query, answer);
    } catch (refused) {
      if (this.#abort === abort) this.#fail(refused);
    }
  }

  async #pages(query, signal) {
    const wanted = this.asking === "again" ? this.records.length : 1;
    const uploads = [];
    let cursor = this.asking === "more" ? this.#cursor : "";
    do {
      const limit = Math.min(LARGEST_PAGE, Math.max(PAGE, wanted - uploads.length));
      const page = await ask(`/api/uploads?${new URLSearchParams({ limit, cursor, ...query })}`, { signal });
      uploads.push(...page.uploads);
      cursor = page.next_cursor;
    } while (cursor && uploads.length < wanted);
    return { uploads, cursor };
  }

  #land(query, { uploads, cursor }) {
    const found = this.asking === "find";
    const old = this.asking === "more" ? this.records : [];
    const had = new Set([...old.map(({ id }) => id), ...this.#gone]);
    this.records = [...old, ...uploads.filter(({ id }) => !had.has(id))];
    this.shown = query;
    this.more = Boolean(cursor);
    this.#cursor = cursor;
    this.#last = cursor ? uploads.at(-1) : null;
    this.asking = this.trouble = null;
    this.#retryMs = FIRST_RETRY_MS;
    for (const record of this.#heard) this.#put(record);
    this.#tell({ found });
  }

  #fail(refused) {
    this.trouble = Object.assign(refused, { asking: this.asking });
    this.asking = null;
    this.#timer = setTimeout(() => this.retry(), this.#retryMs);
    this.#retryMs = Math.min(LAST_RETRY_MS, this.#retryMs * 2);
    this.#tell();
  }

  /** Puts a record where it belongs in what is loaded. Whether it was not there and is now. */
  #put(record) {
    const known = this.records.findIndex(({ id }) => id === record.id);
    if (known >= 0) this.records[known] = record;
    const before = orderOf(this.shown.sort);
    if (known >= 0 || !finds(this.shown.q, record) || (this.#last && before(this.#last, record))) return false;
    const place = this.records.findIndex((other) => before(record, other));
    this.records.splice(place < 0 ? this.records.length : place, 0, record);
    return true;
  }

  #tell(detail = {}) {
    this.dispatchEvent(new CustomEvent("change", { detail }));
  }
}
