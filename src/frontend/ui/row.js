// One upload of the queue, as it is shown.

import { copy } from "./copy.js";
import { h, write } from "./dom.js";
import { bytes, duration, language, t } from "./i18n.js";
import { colourOf } from "./palette.js";
import { running } from "./queue.js";
import { toast } from "./toast.js";

/** Rounded down: only all of it is 100 %. */
export const percent = (share) => (Math.floor(share * 100) / 100).toLocaleString(language(), { style: "percent" });

const MAIN = { paused: "resume", failed: "retry", missing: "choose_again" };
const REMOVE = { failed: "remove", missing: "discard", complete: "clear" };

/** `act(what, item)` is asked for `pause`, `resume`, `retry`, `choose_again` and `remove`. */
export function makeRow(item, act) {
  const button = (properties) => h("button", { class: "quiet", type: "button", ...properties });
  const row = h("li", { class: "upload" });
  const name = h("a", { class: "name", id: `upload-${item.id}` }, item.name);
  const main = button({ onclick: () => act(mainOf(item), item) });
  const link = button({ onclick: () => copied(contentOf(item)) });
  const remove = button({ onclick: () => act("remove", item) });
  const bar = h("progress", { "aria-labelledby": name.id });
  const facts = h("p", { class: "facts" });
  const via = h("p", { class: "facts via" });
  const sum = h("code");
  const copySum = button({ onclick: () => copied(item.record.sha256) });
  const sums = h("p", { class: "facts sum" }, "SHA-256 ", sum, copySum);
  row.append(name, h("div", { class: "actions" }, main, link, remove), bar, facts, via, sums);
  row.update = () => {
    const { state, record } = item;
    row.dataset.state = state;
    if (record) name.href = record.url;
    label(main, mainOf(item), item);
    label(link, record && "copy_link", item);
    label(remove, REMOVE[state] ?? "cancel", item);
    bar.hidden = !item.sent && !running(item) || state === "complete" || state === "waiting";
    bar.max = item.size || 1;
    bar.value = item.sent ?? 0;
    write(facts, factsOf(item).join(" · "));
    via.hidden = state !== "sending" || !item.backend;
    if (!via.hidden && via.title !== `${item.frontend} ${item.backend}`) showVia(via, item);
    sums.hidden = !record?.sha256;
    write(sum, record?.sha256 ?? "");
    label(copySum, "copy", { name: "SHA-256" });
  };
  return row;
}

async function copied(text) {
  toast(t(await copy(text) ? "copied" : "not_copied"), { ms: 3000 });
}

const contentOf = ({ record }) => new URL(record.url, location.href).href;

function mainOf({ state, code }) {
  if (state === "complete" || code === "too_large") return null;
  return MAIN[state] ?? "pause";
}

function label(button, key, { name }) {
  button.hidden = !key;
  if (!key) return;
  write(button, t(key));
  button.ariaLabel = `${t(key)}: ${name}`;
}

function showVia(via, { frontend, backend }) {
  const replica = (id) => [h("span", { class: `dot ${colourOf(id)}` }), h("code", {}, id)];
  via.title = `${frontend} ${backend}`;
  via.replaceChildren(...replica(frontend), " → ", ...replica(backend));
}

function factsOf(item) {
  const { state, sent, size } = item;
  const words = [wordsOf(item)];
  if (!sent || state === "complete") return [...words, bytes(size)];
  words.push(percent(sent / size), t("sent_of", { sent: bytes(sent), size: bytes(size) }));
  const speed = state === "sending" ? item.speed.now() : 0;
  if (speed > 0) words.push(`${bytes(speed)}/s`, t("left", { time: duration((size - sent) / speed) }));
  return words;
}

function wordsOf({ state, sent, size, resumed, reason, until, code, problem }) {
  if (state === "sending" && resumed) return t("resumed", { percent: percent(resumed / size) });
  if (state === "sending" && sent === size && size) return t("finishing");
  if (state === "retrying") {
    const seconds = Math.ceil((until - Date.now()) / 1000);
    return until && seconds > 0 ? t(`retrying_${reason}`, { time: duration(seconds) }) : t("connecting");
  }
  if (state !== "failed") return t(`is_${state}`);
  const known = t(`failed_${code}`, { size: bytes(size) });
  return known !== `failed_${code}` ? known : [problem.title ?? t("failed", { code }), problem.detail, problem.advice].filter(Boolean).join(". ");
}
