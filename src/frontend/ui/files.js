// The list of files as it is at the moment: searched, sorted, without end, and changed as things happen.

import { makeList } from "./file-list.js";
import { onLanguage } from "./i18n.js";
import { Listing } from "./listing.js";
import { SORTS } from "./order.js";
import { startRemoving } from "./removing.js";

const TYPED_MS = 200, MINUTE_MS = 60_000;

export function startFiles(events) {
  const listing = new Listing();
  const removing = startRemoving({
    changed: () => list.show(),
    undone: (record) => list.welcomeBack(record),
    removed: ({ id }) => listing.removed([id]),
  });
  const list = makeList(listing, removing.hides, removing.remove);
  listing.addEventListener("change", ({ detail }) => list.show(detail));
  onLanguage(list.translate);
  setInterval(list.show, MINUTE_MS);
  follow(events, listing, (removed) => {
    removed.forEach(removing.forget);
    list.removed(removed);
  });
  startSearch((query) => listing.find(query));
}

function follow(events, listing, tellRemoved) {
  events.addEventListener("uploads", ({ detail: { removed, completed } }) => {
    tellRemoved(removed);
    listing.removed(removed);
    listing.completed(completed);
  });
  addEventListener("upload-complete", ({ detail }) => listing.completed([detail]));
  events.addEventListener("reload", () => listing.reload());
  // Replicas are told of each second; only the first after a time without is news.
  let unavailable = false;
  events.addEventListener("unavailable", () => { unavailable = true; });
  events.addEventListener("replicas", () => {
    if (unavailable) listing.retry();
    unavailable = false;
  });
}

/** Calls `find({q, sort})` now, and whenever it is another. The page's address says it too, and works without script. */
function startSearch(find) {
  const form = document.getElementById("find");
  const { q, sort } = form.elements;
  const asked = new URLSearchParams(location.search);
  sort.value = SORTS.includes(asked.get("sort")) ? asked.get("sort") : SORTS[0];
  let timer = null;
  const now = (event) => {
    event?.preventDefault();
    clearTimeout(timer);
    const address = new URL(location.pathname, location.href);
    if (q.value) address.searchParams.set("q", q.value);
    if (sort.value !== SORTS[0]) address.searchParams.set("sort", sort.value);
    history.replaceState(null, "", address);
    find({ q: q.value, sort: sort.value });
  };
  q.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(now, TYPED_MS);
  });
  sort.addEventListener("change", now);
  form.addEventListener("submit", now);
  now();
}
