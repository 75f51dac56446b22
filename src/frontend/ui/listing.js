// The list as far as it is loaded, without a word about how it is shown. Pages are asked for one after the other by a cursor
// that names the last file of the page before: what comes or goes meanwhile moves nothing out of reach.

import { ask } from "./api.js";
import { finds, orderOf } from "./order.js";

const PAGE = 50, LARGEST_PAGE = 1000;
const FIRST_RETRY_MS = 1000, LAST_RETRY_MS = 15_000;

/** Dispatches `change` whenever something may have to be shown anew; `detail` has the ids that are `fresh`, and whether this
 *  is what was `found` by a new search. */
export class Listing extends EventTarget {
  /** What is loaded, in order. */
  records = [];
  /** Whether there is more. */
  more = false;
  /** What is under way: `find`, `more`, `again`, or nothing. */
  asking = null;
  /** Why the last question had no answer. */
  trouble = null;
  /** What the records are the answer to. */
  shown = null;

  #query = null;
  #cursor = null;
  /** Beyond this record nothing is loaded. */
  #last = null;
  #abort = null;
  #timer = null;
  #retryMs = FIRST_RETRY_MS;
  #failed = null;
  /** Completed while a question is under way, whose answer may be older. */
  #heard = [];
  /** Ids never come back. */
  #gone = new Set();

  /** Looks for `{q, sort}`, whatever was asked before. */
  find(query) {
    this.#query = query;
    this.#ask("find");
  }

  next() {
    if (this.more && !this.asking && !this.trouble) this.#ask("more");
  }

  /** Asks for all that is loaded once more. */
  reload() {
    this.#ask(this.shown && this.shown === this.#query ? "again" : "find");
  }

  /** Asks again at once if the last question had no answer. */
  retry() {
    if (this.trouble?.passes) this.#ask(this.#failed);
  }

  /** These are complete. May be said of the same ones again. */
  completed(records) {
    const known = records.filter((record) => record.state === "complete" && !this.#gone.has(record.id));
    if (this.asking) this.#heard.push(...known);
    const fresh = this.shown ? known.filter((record) => this.#put(record)) : [];
    this.#tell({ fresh: new Set(fresh.map((record) => record.id)) });
  }

  removed(ids) {
    for (const id of ids) this.#gone.add(id);
    this.records = this.records.filter((record) => !this.#gone.has(record.id));
    this.#tell();
  }

  async #ask(what) {
    this.#abort?.abort();
    clearTimeout(this.#timer);
    const abort = this.#abort = new AbortController();
    const query = this.#query;
    this.asking = what;
    this.#heard = [];
    this.#tell();
    try {
      const answer = await this.#pages(what, query, abort.signal);
      if (this.#abort === abort) this.#land(what, query, answer);
    } catch (refused) {
      if (this.#abort === abort) this.#fail(what, refused);
    }
  }

  async #pages(what, { q, sort }, signal) {
    const wanted = what === "again" ? this.records.length : 1;
    const records = [];
    let cursor = what === "more" ? this.#cursor : null;
    do {
      const limit = Math.min(LARGEST_PAGE, Math.max(PAGE, wanted - records.length));
      const parameters = new URLSearchParams({ limit, cursor: cursor ?? "", q, sort });
      const page = await ask(`/api/uploads?${parameters}`, { signal });
      records.push(...page.uploads);
      cursor = page.next_cursor;
    } while (cursor && records.length < wanted);
    return { records, cursor };
  }

  #land(what, query, { records, cursor }) {
    const old = what === "more" ? this.records : [];
    const had = new Set(old.map((record) => record.id));
    const added = records.filter((record) => !had.has(record.id) && !this.#gone.has(record.id));
    this.records = [...old, ...added];
    this.shown = query;
    this.#cursor = cursor;
    this.more = cursor !== null;
    // An empty page has no cursor.
    this.#last = cursor === null ? null : records.at(-1);
    this.asking = this.trouble = null;
    this.#retryMs = FIRST_RETRY_MS;
    for (const record of this.#heard) this.#put(record);
    this.#tell({ found: what === "find" });
  }

  #fail(what, refused) {
    this.asking = null;
    this.trouble = refused;
    this.#failed = what;
    if (refused.passes) {
      this.#timer = setTimeout(() => this.retry(), this.#retryMs);
      this.#retryMs = Math.min(LAST_RETRY_MS, this.#retryMs * 2);
    }
    this.#tell();
  }

  /** Puts a record where it belongs in what is loaded. Whether it was not there and is now. */
  #put(record) {
    const known = this.records.findIndex((other) => other.id === record.id);
    if (known >= 0) this.records[known] = { ...this.records[known], ...record };
    if (known >= 0 || !finds(this.shown.q, record)) return false;
    const compare = orderOf(this.shown.sort);
    if (this.#last && compare(record, this.#last) > 0) return false;
    const place = this.records.findIndex((other) => compare(record, other) < 0);
    this.records.splice(place < 0 ? this.records.length : place, 0, record);
    return true;
  }

  #tell({ fresh = new Set(), found = false } = {}) {
    this.dispatchEvent(new CustomEvent("change", { detail: { fresh, found } }));
  }
}
