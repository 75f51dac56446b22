// What is in a file, as far as a browser can show it without running anything: pictures, sound and films by elements that
// cannot, all else as text or not at all.

import { h, write } from "./dom.js";
import { bytes, t } from "./i18n.js";

const TEXT_BYTES = 65_536, LARGEST_IMAGE = 64 * 1024 * 1024;

// Programs that send a file without its type are common.
const BY_NAME = {
  img: /\.(png|jpe?g|gif|webp|avif|bmp|ico|svg)$/i,
  audio: /\.(mp3|ogg|oga|opus|wav|flac|m4a|aac)$/i,
  video: /\.(mp4|m4v|webm|ogv|mov)$/i,
};
const BY_TYPE = { img: /^image\//, audio: /^audio\//, video: /^video\// };
const BINARY = /^application\/(pdf|zip|gzip|x-(7z|tar|xz|bzip)|vnd\.)/;
// What no text has.
const CONTROLS = /[\0-\x08\x0e-\x1a\x1c-\x1f]/;

function kindOf({ content_type: type, filename }) {
  const told = type && type !== "application/octet-stream";
  const [table, subject] = told ? [BY_TYPE, type] : [BY_NAME, filename];
  const kind = Object.keys(table).find((each) => table[each].test(subject));
  return kind ?? (told && BINARY.test(type) ? "none" : "text");
}

/** An element that shows what is in the file, until `signal`. */
export function preview(record, signal) {
  const place = h("div", { class: "preview" });
  const word = (key) => place.replaceChildren(h("p", { class: "fine" }, t(key)));
  const kind = kindOf(record);
  if (record.size_bytes === 0) word("preview_empty");
  else if (kind === "none") word("preview_none");
  else if (kind === "img" && record.size_bytes > LARGEST_IMAGE) word("preview_large");
  else if (kind === "text") {
    word("loading");
    showText(record, place, signal).catch(() => signal.aborted || word("preview_failed"));
  } else place.append(media(kind, record, word, signal));
  return place;
}

function media(kind, record, word, signal) {
  const name = t("preview_of", { name: record.filename });
  const element = kind === "img"
    ? h("img", { src: record.url, alt: name })
    : h(kind, { src: record.url, controls: true, preload: "metadata", "aria-label": name });
  element.addEventListener("error", () => signal.aborted || word("preview_failed"));
  // A film that nobody sees is not to be fetched on.
  signal.addEventListener("abort", () => element.removeAttribute("src"));
  return element;
}

async function showText(record, place, signal) {
  const answer = await fetch(record.url, { signal, headers: { Range: `bytes=0-${TEXT_BYTES - 1}` } });
  if (!answer.ok) throw new Error(answer.status);
  const told = record.content_type?.startsWith("text/");
  let text = null;
  try {
    // As a stream, because the end may be in the middle of a letter.
    text = new TextDecoder("utf-8", { fatal: !told }).decode(await answer.arrayBuffer(), { stream: true });
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
  }
  if (text === null || CONTROLS.test(text)) return place.replaceChildren(h("p", { class: "fine" }, t("preview_none")));
  const shown = h("pre", { tabindex: "0", dir: "auto", role: "region", "aria-label": t("preview_of", { name: record.filename }) });
  write(shown, text);
  const cut = record.size_bytes > TEXT_BYTES
    && h("p", { class: "fine" }, t("preview_cut", { size: bytes(TEXT_BYTES), whole: bytes(record.size_bytes) }));
  place.replaceChildren(...[shown, cut].filter(Boolean));
}
