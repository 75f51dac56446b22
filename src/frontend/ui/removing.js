// Deleting with a while to think it over: the service is asked when that is over, or when the page goes away before.

import { ask } from "./api.js";
import { h } from "./dom.js";
import { t } from "./i18n.js";
import { named, toast } from "./toast.js";

/** Calls `changed` when other files are to be hidden, and `undone` and `removed` with a record. */
export function startRemoving({ changed, undone, removed }) {
  const hidden = new Set();
  /** Records and what takes their notices away, by ids, the latest last. */
  const waiting = new Map();

  function take(id) {
    const [record, dismiss] = waiting.get(id) ?? [];
    waiting.delete(id);
    dismiss?.();
    return record;
  }

  function remove(record) {
    const { id, filename: name } = record;
    hidden.add(id);
    waiting.set(id, [record, toast(named("deleted_name", name), { action: { label: t("undo"), run: () => undo(id) }, gone: () => send(id) })]);
    changed();
  }

  function undo(id) {
    hidden.delete(id);
    undone(take(id));
  }

  async function send(id) {
    const record = take(id);
    try {
      await ask(`/api/uploads/${id}`, { method: "DELETE", keepalive: true });
    } catch ({ status, problem: { title } }) {
      if (status !== 404 && status !== 410) {
        hidden.delete(id);
        const why = title ? h("span", { lang: "en" }, title) : t("no_answer");
        toast([...named("delete_failed", record.filename), " ", why], { ms: 12_000 });
        return changed();
      }
    }
    removed(record);
  }

  addEventListener("pagehide", () => [...waiting.keys()].forEach(send));
  addEventListener("keydown", (event) => {
    const last = [...waiting.keys()].at(-1);
    // In a field it means what was typed.
    if (!last || event.key.toLowerCase() !== "z" || !(event.ctrlKey || event.metaKey) || event.target.closest("input, textarea, select")) return;
    event.preventDefault();
    undo(last);
  });
  return { remove, hides: (id) => hidden.has(id), forget: take };
}
