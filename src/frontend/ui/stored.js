// What is being sent, kept by the browser until it is complete, so that a later visit can go on with it.

const PREFIX = "swarm-upload.sending.";
// The service judges what has expired, and says so when asked. What is older than this nobody can have kept that long.
const KEPT_MS = 30 * 24 * 60 * 60 * 1000;

/** Names a file as far as a page can know it. Its bytes are not read: that could take as long as sending them. */
export const keyOf = ({ name, size, lastModified, type }, path) => JSON.stringify([name, size, lastModified, type, path]);

/** Whether both are of one file, wherever it lies. */
export const same = (one, other) => keyOf(one, "") === keyOf(other, "");

export function remember(key, { name, size, lastModified, type }, url) {
  attempt(() => localStorage.setItem(PREFIX + key, JSON.stringify({ name, size, lastModified, type, url, time: Date.now() })));
}

export function forget(key) {
  attempt(() => localStorage.removeItem(PREFIX + key));
}

export const urlOf = (key) => read(PREFIX + key)?.url ?? null;

/** All of `{key, name, size, lastModified, type, url, time}`, oldest first. */
export function known() {
  const names = attempt(() => Object.keys(localStorage)) ?? [];
  const entries = names.filter((name) => name.startsWith(PREFIX)).map((name) => ({ ...read(name), key: name.slice(PREFIX.length) }));
  for (const entry of entries) if (!(Date.now() - entry.time < KEPT_MS)) forget(entry.key);
  return entries.filter((entry) => Date.now() - entry.time < KEPT_MS).sort((one, other) => one.time - other.time);
}

/** Calls `listener` with the key of what another tab has forgotten. */
export function onForgotten(listener) {
  addEventListener("storage", ({ key, newValue }) => {
    if (newValue === null && key?.startsWith(PREFIX)) listener(key.slice(PREFIX.length));
  });
}

const read = (name) => attempt(() => JSON.parse(localStorage.getItem(name)));

/** A browser may have no room, or be told to keep nothing: sending works all the same. */
function attempt(act) {
  try {
    return act();
  } catch {
    return null;
  }
}
