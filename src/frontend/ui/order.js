// In which order the service lists files, and what a search finds: what is heard of can be put where the service would list it.

// As the service folds names: one searches and sorts without regard to case.
const fold = (name) => name.toLowerCase();

// The service compares names byte by byte in UTF-8, which is the order of code points. Strings here are of UTF-16, where
// surrogates come before the last of the others.
const rank = (unit) => (unit < 0xd800 ? unit : unit < 0xe000 ? unit + 0x2000 : unit - 0x800);

function compareText(a, b) {
  for (let at = 0; at < a.length && at < b.length; at += 1) {
    const difference = rank(a.charCodeAt(at)) - rank(b.charCodeAt(at));
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

const KEYS = {
  created: () => 0,
  name: (a, b) => compareText(fold(a.filename), fold(b.filename)),
  size: (a, b) => a.size_bytes - b.size_bytes,
};

/** The values of `sort`, the service's own order first. */
export const SORTS = ["-created", "created", "name", "-size", "size"];

/** Compares two records. Ids grow with time and tell apart what is equal otherwise. */
export function orderOf(sort) {
  const descending = sort.startsWith("-");
  const key = KEYS[sort.slice(descending ? 1 : 0)];
  const compare = (a, b) => key(a, b) || compareText(a.id, b.id);
  return descending ? (a, b) => compare(b, a) : compare;
}

/** Whether a search finds a record. */
export const finds = (q, record) => fold(record.filename).includes(fold(q));
