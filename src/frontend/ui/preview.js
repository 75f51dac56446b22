// What is in a file, as far as a browser can show it without running anything: pictures, sound and films by elements that
// cannot, all else as text or not at all.

import { h, quiet } from "./dom.js";
import { bytes, t } from "./i18n.js";

const TEXT_BYTES = 65_536, LARGE_IMAGE_BYTES = 20 * 1024 * 1024;
// Programs that send a file without its type are common.
const NAMES = {
  image: /\.(png|jpe?g|gif|webp|avif|bmp|svg)$/i,
  audio: /\.(mp3|og[ga]|opus|wav|flac|m4a)$/i,
  video: /\.(mp4|m4v|webm|ogv|mov)$/i,
};
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
  const known = type && type !== "application/octet-stream";
  const kind = Object.keys(NAMES).find((each) => (known ? type.startsWith(`${each}/`) : NAMES[each].test(filename)));
  if (kind) {
    // Sound and films come in parts, a picture as a whole.
    const large = kind === "image" && size > LARGE_IMAGE_BYTES;
    const element = h(kind === "image" ? "img" : kind, { src: large ? null : url, "aria-label": label, alt: label, controls: true, preload: "metadata", onerror: failed });
    // A film that nobody sees is not fetched on.
    signal.addEventListener("abort", () => element.removeAttribute("src"));
    if (large) offer(place, element, { size, url });
    else place.append(element);
    return place;
  }
  textOf(url, size, type, signal).then((text) => {
    if (text) place.append(h("pre", { tabindex: "0", dir: "auto", role: "region", "aria-label": label }, text));
    else say(t(size === 0 ? "preview_empty" : "preview_none"));
    if (text && size > TEXT_BYTES) say(t("preview_cut", { size: bytes(TEXT_BYTES), whole: bytes(size) }));
  }).catch(failed);
  return place;
}

/** Shows a large picture only to somebody who wants it. */
function offer(place, image, { size, url }) {
  const show = () => {
    image.src = url;
    place.replaceChildren(image);
    place.focus();
  };
  place.tabIndex = -1;
  place.append(h("p", { class: "fine" }, t("preview_large", { size: bytes(size) })), quiet(show, t("show")));
}

/** The beginning of a file, if it is text. */
async function textOf(url, size, type, signal) {
  if (size === 0) return null;
  const answer = await fetch(url, { signal, headers: { Range: `bytes=0-${TEXT_BYTES - 1}` } });
  if (!answer.ok) throw new Error(answer.status);
  const start = await beginningOf(answer.body.getReader());
  try {
    // As a stream: the end may be in the middle of a letter.
    const text = new TextDecoder("utf-8", { fatal: !type?.startsWith("text/") }).decode(start, { stream: true });
    return CONTROLS.test(text) ? null : text;
  } catch {
    return null;
  }
}

/** Not all servers and proxies give only the part that was asked for. */
async function beginningOf(reader) {
  const start = new Uint8Array(TEXT_BYTES);
  let length = 0;
  for (let part; length < TEXT_BYTES && (part = (await reader.read()).value);) {
    start.set(part.subarray(0, TEXT_BYTES - length), length);
    length += part.length;
  }
  reader.cancel();
  return start.subarray(0, length);
}
