// What is in a file, as far as a browser can show it without running anything: pictures, sound and films by elements that
// cannot, all else as text or not at all.

import { h } from "./dom.js";
import { bytes, t } from "./i18n.js";

const TEXT_BYTES = 65_536;
// Programs that send a file without its type are common.
const KINDS = [
  ["img", /^image\//, /\.(png|jpe?g|gif|webp|avif|bmp|svg)$/i],
  ["audio", /^audio\//, /\.(mp3|og[ga]|opus|wav|flac|m4a)$/i],
  ["video", /^video\//, /\.(mp4|m4v|webm|ogv|mov)$/i],
];
const CONTROLS = /[\0-\x08\x0e-\x1a\x1c-\x1f]/;

/** An element that shows what is in the file, until `signal`. */
export function preview({ filename, content_type: type, size_bytes: size, url }, signal) {
  const place = h("div", { class: "preview" });
  const say = (key) => signal.aborted || place.replaceChildren(h("p", { class: "fine" }, t(key)));
  const label = t("preview_of", { name: filename });
  const told = type && type !== "application/octet-stream";
  const [kind] = KINDS.find(([, byType, byName]) => (told ? byType.test(type) : byName.test(filename))) ?? [];
  if (size === 0) say("preview_empty");
  else if (kind) {
    const element = h(kind, { src: url, alt: kind === "img" && label, "aria-label": label, controls: kind !== "img", preload: "metadata", onerror: () => say("preview_failed") });
    // A film that nobody sees is not fetched on.
    signal.addEventListener("abort", () => element.removeAttribute("src"));
    place.append(element);
  } else showText(url, type, signal).then((text) => {
    if (text === null) return say("preview_none");
    place.replaceChildren(h("pre", { tabindex: "0", dir: "auto", role: "region", "aria-label": label }, text));
    if (size > TEXT_BYTES) place.append(h("p", { class: "fine" }, t("preview_cut", { size: bytes(TEXT_BYTES), whole: bytes(size) })));
  }).catch(() => say("preview_failed"));
  return place;
}

/** The beginning of a file as text; `null` if it is none. */
async function showText(url, type, signal) {
  const answer = await fetch(url, { signal, headers: { Range: `bytes=0-${TEXT_BYTES - 1}` } });
  if (!answer.ok) throw new Error(answer.status);
  const start = await answer.arrayBuffer();
  try {
    // As a stream: the end may be in the middle of a letter.
    const text = new TextDecoder("utf-8", { fatal: !type?.startsWith("text/") }).decode(start, { stream: true });
    return CONTROLS.test(text) ? null : text;
  } catch {
    return null;
  }
}
