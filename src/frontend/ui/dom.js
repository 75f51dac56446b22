// Elements, made without a word of markup: what users and files are called can never become part of the page's code.

const SVG = "http://www.w3.org/2000/svg";

/** An element with these properties and children. `class`, `on<event>` and attributes go by their names; `null` and `false`
 *  leave one out. */
export function h(tag, properties = {}, ...children) {
  return fill(document.createElement(tag), properties, children);
}

/** A button beside others that matter more. */
export const quiet = (onclick, ...children) => h("button", { class: "quiet", type: "button", onclick }, ...children);

/** As `h`, of SVG. */
export function svg(tag, properties = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), properties, children);
}

function fill(element, properties, children) {
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** Sets a text only if it is another: a live region says again what is set again. `lang` is its language, if that is not the
 *  page's. */
export function write(element, text, lang = null) {
  if (element.textContent !== text) element.textContent = text;
  if (lang) element.lang = lang;
  else element.removeAttribute("lang");
}

/** Keeps the children of `parent` in step with `items`: one element for each key, made by `make(item)`, told by
 *  `update(element, item)`, in their order. Those that stay are not touched: what has the focus keeps it, and nothing that
 *  comes softly comes twice. */
export function sync(parent, items, key, make, update) {
  const wanted = new Set(items.map((item) => String(key(item))));
  const old = new Map([...parent.children].map((child) => [child.dataset.key, child]));
  for (const [name, element] of old) if (!wanted.has(name)) element.remove();
  let place = parent.firstElementChild;
  for (const item of items) {
    const name = String(key(item));
    const element = old.get(name) ?? make(item);
    element.dataset.key = name;
    if (element === place) place = place.nextElementSibling;
    else parent.insertBefore(element, place);
    update(element, item);
  }
}

/** How long a live region is empty before it has a text, and how long it has it: what is set sooner is not noticed. */
const EMPTY_MS = 100, SAID_MS = 1000;
const LONGEST_QUEUE = 5;
const toSay = [];
let saying = false;

/** Says something to those who do not see it, one thing after the other. */
export function say(text) {
  toSay.push(text);
  toSay.splice(0, toSay.length - LONGEST_QUEUE);
  if (!saying) sayNext();
}

function sayNext() {
  const place = document.getElementById("said");
  place.textContent = "";
  saying = toSay.length > 0;
  if (!saying) return;
  setTimeout(() => {
    place.textContent = toSay.shift();
    setTimeout(sayNext, SAID_MS);
  }, EMPTY_MS);
}
