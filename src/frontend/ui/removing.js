// Deleting with a while to think it over: the service is asked when the time is over, or when the page goes away before.

import { Refused, ask, pathOf } from "./api.js";
import { t } from "./i18n.js";
import { toast } from "./toast.js";

/** Dispatches `change` when something is hidden or shown again, `undone` and `removed` with the record in `detail`. */
export class Removing extends EventTarget {
  /** Not yet asked for, with what takes their notice away, the latest last. */
  #waiting = new Map();
  #asked = new Set();

  constructor() {
    super();
    // Also when the page is only put aside, because it may never be shown again.
    addEventListener("pagehide", () => {
      for (const record of this.#forget([...this.#waiting.keys()])) this.#ask(record);
    });
    addEventListener("keydown", (event) => this.#undoByKey(event));
  }

  /** Whether a file is not to be shown. */
  hides(id) {
    return this.#waiting.has(id) || this.#asked.has(id);
  }

  remove(record) {
    const { id } = record;
    const dismiss = toast(t("deleted_name", { name: record.filename }), {
      action: { label: t("undo"), run: () => this.#undo(id) },
      gone: () => this.#forget([id]).forEach((each) => this.#ask(each)),
    });
    this.#waiting.set(id, { record, dismiss });
    this.#tell("change");
  }

  /** Others were faster: there is nothing to undo. */
  removedElsewhere(ids) {
    this.#forget(ids);
  }

  #forget(ids) {
    const found = ids.flatMap((id) => this.#waiting.get(id) ?? []);
    for (const { record, dismiss } of found) {
      this.#waiting.delete(record.id);
      dismiss();
    }
    return found.map(({ record }) => record);
  }

  #undo(id) {
    for (const record of this.#forget([id])) this.#tell("undone", record);
  }

  #undoByKey(event) {
    const last = [...this.#waiting.keys()].at(-1);
    const key = (event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey && event.key.toLowerCase() === "z";
    // There it means what was typed.
    const typing = event.target instanceof Element && event.target.matches("input, textarea, select, [contenteditable]");
    if (!key || typing || !last) return;
    event.preventDefault();
    this.#undo(last);
  }

  async #ask(record) {
    this.#asked.add(record.id);
    try {
      await ask(pathOf(record.id), { method: "DELETE", keepalive: true });
      this.#tell("removed", record);
    } catch (refused) {
      this.#refused(record, refused);
    }
    this.#asked.delete(record.id);
    this.#tell("change");
  }

  #refused(record, refused) {
    if (refused instanceof Refused && [404, 410].includes(refused.status)) return this.#tell("removed", record);
    const why = refused.message || t("no_answer");
    toast(t("delete_failed", { name: record.filename, why }), { ms: 12_000 });
  }

  #tell(kind, record = null) {
    this.dispatchEvent(new CustomEvent(kind, { detail: record }));
  }
}
