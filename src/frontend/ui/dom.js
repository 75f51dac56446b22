// Elements, made without a word of markup: what users and files are called can never become part of the page's code.

const SVG = "http://www.w3.org/2000/svg";

/** An element with these properties and children. `class`, `on<event>` and attributes go by their names; `null` and `false`
 *  leave one out. */
export function h(tag, properties = {}, ...children) {
  return fill(document.createElement(tag), properties, children);
}

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

/** Sets a text only if it is another: a live region says again what is set again. */
export function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Keeps the children of `parent` in step with `items`: one element for each key, made by `make(item)`, told by
 *  `update(element, item)`, in their order. What has the focus keeps it. */
export function sync(parent, items, key, make, update) {
  const old = new Map([...parent.children].map((child) => [child.dataset.key, child]));
  let place = parent.firstElementChild;
  for (const item of items) {
    const name = String(key(item));
    let element = old.get(name);
    if (!element) {
      element = make(item);
      element.dataset.key = name;
    }
    old.delete(name);
    if (element === place) place = place.nextElementSibling;
    else parent.insertBefore(element, place);
    update(element, item);
  }
  for (const element of old.values()) element.remove();
}

/** Says something to those who do not see it. */
export function say(text) {
  write(document.getElementById("said"), text);
}
