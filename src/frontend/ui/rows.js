// One file of the list. What its buttons do is in their `data-act`; whoever shows the list listens.

import { h, write } from "./dom.js";
import { ago, bytes, t, when } from "./i18n.js";
import { icon } from "./icons.js";

const sign = (act) => h("button", { class: "quiet sign", type: "button", "data-act": act }, icon(act));

/** Names of scripts that run from right to left would take what stands around them with them. */
const RIGHT_TO_LEFT = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]/;
export const inText = (name) => (RIGHT_TO_LEFT.test(name) ? `\u2068${name}\u2069` : name);

export function makeRow(record) {
  return h("li", { class: "file" },
    h("a", { class: "name", href: record.url, dir: "auto", "data-act": "details", "aria-haspopup": "dialog" }, record.filename),
    h("p", { class: "facts" }, h("span", {}), " · ", h("time", { datetime: record.created_at })),
    h("div", { class: "actions" },
      sign("details"), sign("copy"),
      h("a", { class: "button quiet sign", href: record.url, download: record.filename, "data-act": "download" }, icon("download")),
      sign("remove")),
    h("div", { class: "origins" }));
}

/** Words and times of a row, in the language of now. */
export function updateRow(row, record) {
  const name = inText(record.filename);
  write(row.querySelector(".facts span"), bytes(record.size_bytes));
  const time = row.querySelector("time");
  write(time, agoOf(record.created_at));
  time.title = when(new Date(record.created_at));
  const words = { details: ["details", "open_name"], copy: ["copy_link", "copy_link_name"], download: ["download", "download_name"], remove: ["delete", "delete_name"] };
  for (const [act, [short, long]] of Object.entries(words)) {
    const element = row.querySelector(`.sign[data-act="${act}"]`);
    element.title = t(short);
    element.ariaLabel = t(long, { name });
  }
}

/** How long ago, also when the service's clock is ahead of this one. */
export function agoOf(moment) {
  const date = new Date(moment);
  return ago(date, Math.max(Date.now(), date.getTime()));
}

/** Shows for a moment that a button has done its work. */
export function confirm(button, ms = 2000) {
  const before = [...button.childNodes];
  button.replaceChildren(icon("done"));
  setTimeout(() => button.replaceChildren(...before), ms);
}

/** Changes rows and keeps the focus: with what had it, or its like in the row that took its place, or else with `fallback`. */
export function keepFocus(list, fallback, change) {
  const active = document.activeElement;
  const rows = [...list.children];
  const at = rows.findIndex((row) => row.contains(active));
  change();
  if (at < 0 || (active.isConnected && document.activeElement === active)) return;
  const row = [...rows.slice(at), ...rows.slice(0, at).reverse()].find((each) => each.isConnected);
  const heir = active.isConnected ? active : row?.querySelector(`.actions [data-act="${active.dataset.act}"]`);
  (heir ?? fallback).focus();
}
