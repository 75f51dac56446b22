// What is being sent, kept by the browser until it is complete, so that a later visit can go on with it.

const PREFIX = "swarm-upload.sending.";

/** Names a file as far as a page knows it. Reading its bytes could take as long as sending them. */
export const keyOf = ({ name, size, lastModified, type }, path) => JSON.stringify([name, size, lastModified, type, path]);

/** Whether both are of one file, wherever it lies. */
export const same = (one, other) => keyOf(one) === keyOf(other);

export const remember = (key, url) => attempt(() => localStorage.setItem(PREFIX + key, JSON.stringify({ url, time: Date.now() })));
export const forget = (key) => attempt(() => localStorage.removeItem(PREFIX + key));
export const urlOf = (key) => attempt(() => JSON.parse(localStorage.getItem(PREFIX + key)).url);

/** All of `{key, url, name, size, lastModified, type, path}`. */
export function known() {
  const keys = attempt(() => Object.keys(localStorage).filter((key) => key.startsWith(PREFIX))) ?? [];
  return keys.map((full) => {
    const key = full.slice(PREFIX.length);
    const [name, size, lastModified, type, path] = attempt(() => JSON.parse(key)) ?? [];
    return { key, url: urlOf(key), name, size, lastModified, type, path };
  }).filter(({ url, name }) => url && name);
}

/** Calls `listener` with the key of what another tab has forgotten. */
export function onForgotten(listener) {
  addEventListener("storage", ({ key, newValue }) => {
    if (newValue === null && key?.startsWith(PREFIX)) listener(key.slice(PREFIX.length));
  });
}

/** A browser may have no room, or be told to keep nothing: sending works all the same. */
function attempt(act) {
  try {
    return act();
  } catch {
    return null;
  }
}
