// Notices in the corner that go by themselves, with at most one thing to do.

import { h, quiet, say } from "./dom.js";
import { t } from "./i18n.js";

/** Shows `text` (or a list of texts and elements) for `ms`, longer while somebody points at it or has the focus in it. `action`
 *  is `{label, run}`. Returns a function that takes it away. */
export function toast(text, { ms = 6000, action = null, gone = () => {} } = {}) {
  let timer = null;
  const remove = () => {
    held.removed = true;
    clearTimeout(timer);
    element.remove();
  };
  const leave = () => {
    remove();
    gone();
  };
  // Not `:hover`, which stays after a touch.
  const held = {};
  const hold = (by, is) => () => {
    held[by] = is;
    clearTimeout(timer);
    if (!held.pointer && !held.focus && !held.removed) timer = setTimeout(leave, ms);
  };
  const words = h("span", {}, text);
  const element = h("div", { class: "toast", onpointerenter: hold("pointer", true), onpointerleave: hold("pointer", false),
    onfocusin: hold("focus", true), onfocusout: hold("focus", false) },
    words,
    action && quiet(() => { remove(); action.run(); }, action.label));
  document.getElementById("toasts").append(element);
  say(action ? `${words.textContent} ${action.label}` : words.textContent);
  hold("focus", false)();
  return remove;
}

/** As `t`, for a toast: a file's name may be of a script that is written the other way, and then turns no words around it. */
export function named(key, name, values = {}) {
  const [before, after] = t(key, values).split("{name}");
  return [before, h("bdi", {}, name), after];
}
