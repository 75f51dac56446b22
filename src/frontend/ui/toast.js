// Notices in the corner that go by themselves, with at most one thing to do.

import { h, say } from "./dom.js";

/** Shows `text` for `ms`, longer while somebody points at it or has the focus in it. `action` is `{label, run}`. Returns a
 *  function that takes it away. */
export function toast(text, { ms = 6000, action = null, gone = () => {} } = {}) {
  let timer = null;
  const remove = () => {
    clearTimeout(timer);
    element.remove();
  };
  const leave = () => {
    remove();
    gone();
  };
  const wait = () => {
    clearTimeout(timer);
    timer = setTimeout(leave, ms);
  };
  const hold = () => clearTimeout(timer);
  const element = h("div", { class: "toast", onpointerenter: hold, onpointerleave: wait, onfocusin: hold, onfocusout: wait },
    h("span", {}, text),
    action && h("button", { class: "quiet", type: "button", onclick: () => { remove(); action.run(); } }, action.label));
  document.getElementById("toasts").append(element);
  say(action ? `${text} ${action.label}` : text);
  wait();
  return remove;
}
