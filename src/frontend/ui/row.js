// One upload of the queue, as it is shown.

import { inWords } from "./api.js";
import { copy } from "./copy.js";
import { h, quiet, write } from "./dom.js";
import { bytes, duration, percent, t } from "./i18n.js";
import { icon } from "./icons.js";
import { colourOf } from "./palette.js";
import { changed, complete } from "./queue.js";
import { toast } from "./toast.js";

const MAIN = { paused: "resume", failed: "retry", missing: "choose_again" };
const REMOVE = { failed: "clear", missing: "discard", complete: "clear" };
// The other buttons need words.
const SIGNS = { pause: "pause", resume: "resume", cancel: "close", clear: "close", discard: "close", copy_link: "copy_link" };

/** As `5 MiB/s`, `8 s left`. */
export const pace = (speed, left) => (speed > 0 ? [`${bytes(speed)}/s`, t("left", { time: duration(left / speed) })] : []);

/** `act(what, item)` is asked for `pause`, `resume`, `retry`, `choose_again` and `remove`. */
export function makeRow(item, act) {
  const name = h("a", { class: "name", id: `upload-${item.id}`, dir: "auto" }, item.name);
  const main = quiet(() => act(mainOf(item), item));
  const link = quiet(() => copied(new URL(item.record.url, location).href));
  const remove = quiet(() => act("remove", item));
  const bar = h("progress", { "aria-labelledby": name.id, max: item.size || 1 });
  const words = h("span"), more = h("span"), facts = h("p", { class: "facts" }, words, more), via = h("p", { class: "facts" });
  const sum = h("code"), copySum = quiet(() => copied(item.record.sha256));
  const sums = h("p", { class: "facts sum" }, "SHA-256", sum, copySum);
  const row = h("li", { class: "upload" }, name, h("div", { class: "actions" }, main, link, remove), bar, facts, via, sums);
  row.update = () => {
    const { state, record, sent } = item;
    row.dataset.state = state;
    if (record) name.href = record.url;
    label(main, mainOf(item), item.name);
    label(link, record && "copy_link", item.name);
    label(remove, REMOVE[state] ?? "cancel", item.name);
    bar.hidden = complete(item) || !sent && state !== "sending";
    bar.value = sent;
    showWords(words, item);
    write(more, ["", ...factsOf(item)].join(" · "));
    via.hidden = state !== "sending" || !item.backend;
    if (!via.hidden) showVia(via, item);
    sums.hidden = !record?.sha256;
    write(sum, record?.sha256 ?? "");
    label(copySum, "copy", "SHA-256");
  };
  return row;
}

async function copied(text) {
  const done = await copy(text);
  toast(done ? t("copied") : `${t("not_copied")} ${text}`, { ms: done ? 3000 : 20_000 });
}

function mainOf(item) {
  if (complete(item) || item.code === "too_large") return null;
  return changed(item) ? "choose_again" : MAIN[item.state] ?? "pause";
}

function label(button, key, name) {
  button.hidden = !key;
  if (!key) return;
  const sign = SIGNS[key] ?? "";
  button.classList.toggle("sign", sign !== "");
  if (!sign) write(button, t(key));
  else if (button.dataset.sign !== sign) button.replaceChildren(icon(sign));
  button.dataset.sign = sign;
  button.title = sign && t(key);
  button.ariaLabel = `${t(key)}: ${name}`;
}

function showVia(via, { frontend, backend }) {
  if (via.textContent === `via ${frontend} → ${backend}`) return;
  const replica = (id) => [h("span", { class: `dot ${colourOf(id)}` }), h("code", {}, id)];
  via.replaceChildren("via ", ...replica(frontend), " → ", ...replica(backend));
}

function factsOf(item) {
  const { state, sent, size } = item;
  if (!sent || complete(item)) return [bytes(size)];
  const speed = state === "sending" && item.speed.now();
  return [percent(sent / size), t("sent_of", { sent: bytes(sent), size: bytes(size) }), ...pace(speed, size - sent)];
}

function showWords(place, item) {
  const known = wordsOf(item);
  if (known) write(place, known);
  else write(place, inWords(item.problem) || item.code, "en");
}

/** None if only the service has words for it. */
function wordsOf({ state, size, resumed, reason, until, code }) {
  if (state === "sending" && resumed) return t("resumed", { percent: percent(resumed / size) });
  if (state === "retrying") {
    const seconds = Math.ceil((until - Date.now()) / 1000);
    return seconds > 0 && reason !== "moved" ? t(reason, { time: duration(seconds) }) : t("connecting");
  }
  if (state !== "failed") return t(`is_${state}`);
  const known = t(`failed_${code}`);
  return known === `failed_${code}` ? null : known;
}
