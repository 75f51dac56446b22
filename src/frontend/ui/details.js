// All about one file, over the page.

import { ask } from "./api.js";
import { copy } from "./copy.js";
import { h, quiet, write } from "./dom.js";
import { since } from "./file-row.js";
import { bytes, number, t, when } from "./i18n.js";
import { icon } from "./icons.js";
import { preview } from "./preview.js";
import { legend } from "./segments.js";

/** Opens them; `closed` is called when they are closed, whichever way. Returns the dialog. */
export function showDetails(record, closed) {
  const over = new AbortController();
  const list = facts(record);
  const card = h("div", { class: "card" },
    h("header", {},
      h("h2", { id: "details-name", dir: "auto" }, record.filename),
      h("button", { class: "quiet sign", type: "button", "aria-label": t("close"), onclick: () => dialog.close() }, icon("close"))),
    preview(record, over.signal),
    h("div", {}, h("a", { class: "button", href: record.url, download: record.filename }, t("download"))),
    list);
  const dialog = h("dialog", { class: "details", "aria-labelledby": "details-name", onclose: () => {
    over.abort();
    dialog.remove();
    closed();
  } }, card);
  // Not where a selection of text only ends outside.
  let outside = false;
  dialog.addEventListener("pointerdown", ({ target }) => { outside = target === dialog; });
  dialog.addEventListener("click", ({ target }) => outside && target === dialog && dialog.close());
  document.body.append(dialog);
  dialog.showModal();
  ask(`/api/uploads/${record.id}`, { signal: over.signal }).then((now) => {
    if (now.sha256 !== record.sha256) list.replaceWith(facts(now));
    if (now.segments.length > 0) card.append(legend(now, "backend"), legend(now, "frontend"));
  }).catch(() => {});
  return dialog;
}

function facts({ id, size_bytes: size, content_type: type, completed_at: stored, sha256, url }) {
  const link = new URL(url, location.href).href;
  const fact = (name, ...value) => [h("dt", {}, name), h("dd", {}, value)];
  return h("dl", {},
    fact(t("size"), size < 1024 ? bytes(size) : `${bytes(size)} (${number(size)} B)`),
    fact(t("type"), type ?? "application/octet-stream"),
    fact(t("stored"), h("time", { datetime: stored }, `${when(new Date(stored))} (${since(stored)})`)),
    fact("SHA-256", ...(sha256 ? [h("code", {}, sha256), copier(sha256, "SHA-256")] : [t("digest_later")])),
    fact("Link", h("a", { href: url }, link), copier(link, "Link")),
    fact("ID", h("code", {}, id)));
}

/** A button that copies and says so itself: a notice would be behind the dialog. */
function copier(text, what) {
  const button = quiet(async () => {
    button.ariaLabel = t(await copy(text) ? "copied" : "not_copied");
    write(button, button.ariaLabel);
  }, t("copy"));
  button.ariaLabel = `${t("copy")}: ${what}`;
  return h("span", { "aria-live": "polite" }, button);
}
