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
  const say = (text) => place.append(h("p", { class: "fine" }, text));
  const label = t("preview_of", { name: filename });
  const failed = () => {
    place.replaceChildren();
    say(t("preview_failed"));
  };
  const told = type && type !== "application/octet-stream";
  const [kind] = KINDS.find(([, byType, byName]) => (told ? byType.test(type) : byName.test(filename))) ?? [];
  if (kind) {
    const element = h(kind, { src: url, "aria-label": label, alt: label, controls: kind !== "img", preload: "metadata", onerror: failed });
    // A film that nobody sees is not fetched on.
    signal.addEventListener("abort", () => element.removeAttribute("src"));
    place.append(element);
    return place;
  }
  textOf(url, size, type, signal).then((text) => {
    if (text) place.append(h("pre", { tabindex: "0", dir: "auto", role: "region", "aria-label": label }, text));
    else say(t(size === 0 ? "preview_empty" : "preview_none"));
    if (text && size > TEXT_BYTES) say(t("preview_cut", { size: bytes(TEXT_BYTES), whole: bytes(size) }));
  }).catch(failed);
  return place;
}

/** The beginning of a file, if it is text. */
async function textOf(url, size, type, signal) {
  if (size === 0) return null;
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
