// Deleting with a while to think it over: the service is asked when that is over, or when the page goes away before.

import { ask } from "./api.js";
import { t } from "./i18n.js";
import { toast } from "./toast.js";

/** Dispatches `change` when other files are to be hidden, and `undone` and `removed` with a record in `detail`. */
export class Removing extends EventTarget {
  #hidden = new Set();
  /** What can be undone, the latest last. */
  #waiting = new Map();

  constructor() {
    super();
    addEventListener("pagehide", () => this.#take([...this.#waiting.keys()]).forEach((record) => this.#ask(record)));
    addEventListener("keydown", (event) => this.#undoByKey(event));
  }

  hides(id) {
    return this.#hidden.has(id);
  }

  remove(record) {
    const { id, filename } = record;
    const dismiss = toast(t("deleted_name", { name: filename }), {
      action: { label: t("undo"), run: () => this.#undo(id) },
      gone: () => this.#take([id]).forEach((each) => this.#ask(each)),
    });
    this.#waiting.set(id, { record, dismiss });
    this.#hidden.add(id);
    this.#tell("change");
  }

  /** There is nothing to undo any more. */
  removedElsewhere(ids) {
    this.#take(ids);
  }

  #take(ids) {
    return ids.filter((id) => this.#waiting.has(id)).map((id) => {
      const { record, dismiss } = this.#waiting.get(id);
      this.#waiting.delete(id);
      dismiss();
      return record;
    });
  }

  #undo(id) {
    for (const record of this.#take([id])) {
      this.#hidden.delete(id);
      this.#tell("undone", record);
    }
  }

  #undoByKey(event) {
    const last = [...this.#waiting.keys()].at(-1);
    // In a field it means what was typed.
    if (!last || !(event.ctrlKey || event.metaKey) || event.key !== "z" || event.target.closest?.("input, textarea, select")) return;
    event.preventDefault();
    this.#undo(last);
  }

  async #ask(record) {
    try {
      await ask(`/api/uploads/${record.id}`, { method: "DELETE", keepalive: true });
    } catch ({ status, message }) {
      if (status !== 404 && status !== 410) {
        toast(t("delete_failed", { name: record.filename, why: message || t("no_answer") }), { ms: 12_000 });
        this.#hidden.delete(record.id);
        return this.#tell("change");
      }
    }
    this.#tell("removed", record);
  }

  #tell(kind, detail = {}) {
    this.dispatchEvent(new CustomEvent(kind, { detail }));
  }
}
