// Words, numbers, sizes and times in the language of the page.

let strings = {};
let current = document.documentElement.lang;
let calls = 0;
const listeners = new Set();

/** The language of the page, as a tag. */
export const language = () => current;

/** Calls `listener` now, and again whenever the language is changed. */
export function onLanguage(listener) {
  listeners.add(listener);
  listener();
}

/** Fetches the words of a language and puts them on the page, unless another was asked for meanwhile. Whether it did. */
export async function speak(tag) {
  const call = calls += 1;
  let words;
  try {
    words = await wordsOf(tag);
  } catch (error) {
    if (call === calls) throw error;
  }
  if (call !== calls) return false;
  strings = words;
  current = document.documentElement.lang = tag;
  translate(document);
  for (const listener of listeners) listener();
  return true;
}

async function wordsOf(tag) {
  const answer = await fetch(new URL(`strings/${tag}.json`, import.meta.url));
  if (!answer.ok) throw new Error(`the words of ${tag}: ${answer.status}`);
  return answer.json();
}

/** A text, `{name}` in it replaced by `values.name`. Where there is a `<key>_one`, it is said of a `values.count` of 1. */
export function t(key, values = {}) {
  const single = values.count === 1 ? strings[`${key}_one`] : undefined;
  const text = single ?? strings[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (whole, name) => {
    const value = values[name];
    return typeof value === "number" ? number(value) : (value ?? whole);
  });
}

function translate(root) {
  for (const element of root.querySelectorAll("[data-t]")) {
    const { t: key, size } = element.dataset;
    element.textContent = t(key, size ? { size: bytes(Number(size)) } : {});
  }
  for (const element of root.querySelectorAll("[data-t-label]")) element.ariaLabel = t(element.dataset.tLabel);
  for (const element of root.querySelectorAll("[data-t-placeholder]")) element.placeholder = t(element.dataset.tPlaceholder);
  for (const link of root.querySelectorAll(".languages a")) {
    link.toggleAttribute("aria-current", link.lang === current);
    if (link.lang === current) link.setAttribute("aria-current", "true");
  }
}

export function number(value, digits = 0) {
  return value.toLocaleString(current, { maximumFractionDigits: digits });
}

/** As `40%`; a small share has a decimal. Only all of it is 100%. */
export function percent(share) {
  const shown = share < 1 ? Math.min(share, 0.99) : share;
  return shown.toLocaleString(current, { style: "percent", maximumFractionDigits: share < 0.0995 ? 1 : 0 });
}

/** As `1.5 MiB`. */
export function bytes(count) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let value = count, unit = 0;
  while (value >= 1023.95 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${number(value, unit === 0 ? 0 : 1)} ${units[unit]}`;
}

/** As `2 min 5 s`, the largest `units` of it. */
export function duration(seconds, units = 2) {
  const whole = Math.max(0, Math.round(seconds));
  const parts = [[Math.floor(whole / 86400), "d"], [Math.floor(whole / 3600) % 24, "h"], [Math.floor(whole / 60) % 60, "min"], [whole % 60, "s"]];
  const first = parts.findIndex(([count]) => count > 0);
  if (first < 0) return "0 s";
  return parts.slice(first, first + units).filter(([count]) => count > 0).map(([count, unit]) => `${count} ${unit}`).join(" ");
}

/** As `5 minutes ago`, by this clock. */
export function ago(date, now = Date.now()) {
  const seconds = (date.getTime() - now) / 1000;
  const steps = [["day", 86400], ["hour", 3600], ["minute", 60]];
  const [unit, size] = steps.find(([, size]) => Math.abs(seconds) >= size) ?? ["second", 1];
  const words = new Intl.RelativeTimeFormat(current, { numeric: "auto" });
  return unit === "second" ? words.format(0, "second") : words.format(Math.trunc(seconds / size), unit);
}

/** As `26 Nov 2026, 18:03`. */
export function when(date) {
  return date.toLocaleString(current, { dateStyle: "medium", timeStyle: "short" });
}
