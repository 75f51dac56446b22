// All about one file, over the page.

import { ask, linkOf, pathOf } from "./api.js";
import { copy } from "./copy.js";
import { h, write } from "./dom.js";
import { bytes, t, when } from "./i18n.js";
import { icon } from "./icons.js";
import { preview } from "./preview.js";
import { agoOf } from "./rows.js";
import { largeBars } from "./segments.js";

const AGAIN_MS = 2000;

/** Opens it; `closed` is called when it is closed, whichever way. Returns what closes it. */
export function showDetails(record, closed) {
  const over = new AbortController();
  const parts = h("div", { class: "origins" });
  const digest = h("dd", {});
  const close = () => dialog.close();
  const dialog = h("dialog", { class: "details", "aria-labelledby": "details-name", onclose: () => {
    over.abort();
    dialog.remove();
    closed();
  } },
    h("header", {},
      h("h2", { id: "details-name", dir: "auto" }, record.filename),
      h("button", { class: "quiet sign", type: "button", "aria-label": t("close"), title: t("close"), onclick: close }, icon("close"))),
    h("div", { class: "inside" }, preview(record, over.signal), facts(record, digest), parts),
    h("footer", {},
      h("a", { class: "button", href: record.url, download: record.filename }, t("download")),
      h("button", { class: "quiet", type: "button", onclick: close }, t("close"))));
  closeByBackdrop(dialog);
  document.body.append(dialog);
  dialog.showModal();
  showDigest(digest, record);
  follow(record.id, digest, parts, over.signal);
  return close;
}

function facts(record, digest) {
  const link = linkOf(record);
  const exact = t("size_exact", { size: bytes(record.size_bytes), count: record.size_bytes });
  const stored = record.completed_at ?? record.created_at;
  const fact = (key, ...value) => [h("dt", {}, t(key)), value[0] === digest ? digest : h("dd", {}, value)];
  return h("dl", {},
    fact("size", record.size_bytes < 1024 ? bytes(record.size_bytes) : exact),
    fact("type", record.content_type ?? t("type_unknown")),
    fact("stored", h("time", { datetime: stored }, `${when(new Date(stored))} (${agoOf(stored)})`)),
    fact("digest", digest),
    fact("address", h("a", { href: record.url }, link), copier(link, "address")),
    fact("id", h("code", {}, record.id)));
}

/** A button that copies, and says so in its own words: a notice would be behind the dialog. */
function copier(text, what) {
  const name = `${t("copy")}: ${t(what)}`;
  const button = h("button", { class: "quiet", type: "button", "aria-label": name, onclick: async () => {
    const label = await copy(text) ? t("copied") : t("copy_failed", { text: "" });
    write(button, label);
    button.ariaLabel = label;
  } }, t("copy"));
  return h("span", { "aria-live": "polite" }, button);
}

function showDigest(place, { sha256 }) {
  place.replaceChildren(...(sha256 ? [h("code", {}, sha256), copier(sha256, "digest")] : [t("digest_later")]));
}

/** The record as it is now: with its parts, and until it has its digest. */
async function follow(id, digest, parts, signal) {
  const record = await ask(pathOf(id), { signal }).catch((refused) => ({ passes: refused.passes }));
  if (signal.aborted) return;
  if (record.segments?.length) parts.replaceChildren(...largeBars(record.segments));
  else if (!record.id) parts.replaceChildren(h("p", { class: "fine" }, t("no_parts")));
  if (record.id) showDigest(digest, record);
  if (record.passes || (record.id && !record.sha256)) setTimeout(() => signal.aborted || follow(id, digest, parts, signal), AGAIN_MS);
}

/** Not where a selection of text only ends outside. */
function closeByBackdrop(dialog) {
  let begun = false;
  dialog.addEventListener("pointerdown", ({ target }) => { begun = target === dialog; });
  dialog.addEventListener("click", ({ target }) => { if (begun && target === dialog) dialog.close(); });
}
