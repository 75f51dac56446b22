// The service's order of files, and what its search finds: what is heard of can be put where it would be listed.

const fold = (name) => name.toLowerCase();

// Texts that compare as the service compares: names by code points, which UTF-16 does not.
const KEYS = {
  created: () => "",
  name: ({ filename }) => Array.from(fold(filename), (letter) => letter.codePointAt(0).toString(16).padStart(6, "0")).join(""),
  size: ({ size_bytes: size }) => String(size).padStart(16, "0"),
};

/** The values of `sort`, the usual one first. */
export const SORTS = ["-created", "created", "name", "-size", "size"];

/** Tells whether one record comes before another. Ids grow with time and tell apart what is equal otherwise. */
export function orderOf(sort) {
  const key = KEYS[sort.replace("-", "")];
  const place = (record) => `${key(record)} ${record.id}`;
  return sort.startsWith("-") ? (a, b) => place(a) > place(b) : (a, b) => place(a) < place(b);
}

export const finds = (q, { filename }) => fold(filename).includes(fold(q));
