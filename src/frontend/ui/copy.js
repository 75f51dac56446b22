// Copying, also where the page came by plain http and the browser has no clipboard for it.

import { h } from "./dom.js";

/** Copies a text. Whether it worked. */
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyOut(text);
  }
}

/** From a field that is selected for the moment. It stands beside what has the focus: behind an open dialog nothing can be
 *  selected. */
function copyOut(text) {
  const focused = document.activeElement;
  const field = h("textarea", { class: "hidden", readonly: true, "aria-hidden": "true" });
  field.value = text;
  (focused?.closest("dialog") ?? document.body).append(field);
  field.select();
  const copied = document.execCommand("copy");
  field.remove();
  focused?.focus({ preventScroll: true });
  return copied;
}
