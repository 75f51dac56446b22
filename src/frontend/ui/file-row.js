// One file of the list. What its buttons do is in their `data-act`: whoever shows the list listens.

import { h, write } from "./dom.js";
import { ago, bytes, t, when } from "./i18n.js";
import { icon } from "./icons.js";

export function makeRow({ filename, url, created_at: created }) {
  const sign = (act, tag = "button", properties = { type: "button" }) => h(tag, { class: "button quiet sign", "data-act": act, ...properties }, icon(act));
  return h("li", { class: "file" },
    h("a", { class: "name", href: url, dir: "auto", "data-act": "details" }, filename),
    h("p", { class: "facts" }, h("span"), " · ", h("time", { datetime: created })),
    h("div", { class: "origins" }),
    h("div", { class: "actions" },
      sign("details"), sign("copy_link"), sign("download", "a", { href: url, download: filename }), sign("delete")));
}

/** Words and times of a row, in the language of now. */
export function updateRow(row, { filename, size_bytes: size, created_at: created }) {
  const time = row.querySelector("time");
  write(row.querySelector("span"), bytes(size));
  write(time, since(created));
  time.title = when(new Date(created));
  for (const button of row.querySelectorAll(".sign")) {
    const { act } = button.dataset;
    button.title = t(act);
    button.ariaLabel = act === "delete" ? t("delete_name", { name: filename }) : `${t(act)}: ${filename}`;
  }
}

/** How long ago, also when the service's clock is ahead of this one. */
export function since(moment) {
  const date = new Date(moment);
  return ago(date, Math.max(Date.now(), date));
}

/** Changes rows. If the one with the focus goes, its like in the row that takes its place has it, or else `fallback`. */
export function keepFocus(list, fallback, change) {
  const active = document.activeElement;
  const rows = [...list.children];
  const at = rows.findIndex((row) => row.contains(active));
  change();
  if (at < 0 || active.isConnected) return;
  const row = [...rows.slice(at), ...rows.slice(0, at).reverse()].find((each) => each.isConnected);
  (row?.querySelector(`.actions [data-act="${active.dataset.act}"]`) ?? fallback).focus();
}
