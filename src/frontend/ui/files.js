// The list of files as it is at the moment: searched, sorted, without end, and changed as things happen.

import { FileList } from "./file-list.js";
import { onLanguage } from "./i18n.js";
import { Listing } from "./listing.js";
import { SORTS } from "./order.js";
import { Removing } from "./removing.js";

const TYPED_MS = 200, MINUTE_MS = 60_000;

export function startFiles(events) {
  const listing = new Listing(), removing = new Removing();
  const list = new FileList(listing, removing);
  listing.addEventListener("change", ({ detail }) => list.show(detail));
  removing.addEventListener("change", () => list.show());
  removing.addEventListener("removed", ({ detail }) => listing.removed([detail.id]));
  removing.addEventListener("undone", ({ detail }) => list.welcomeBack(detail));
  events.addEventListener("uploads", ({ detail: { removed, completed } }) => {
    removing.removedElsewhere(removed);
    list.removedElsewhere(removed);
    listing.removed(removed);
    listing.completed(completed);
  });
  addEventListener("upload-complete", ({ detail }) => listing.completed([detail]));
  events.addEventListener("reload", () => listing.reload());
  retryInTime(events, listing);
  onLanguage(() => list.translate());
  setInterval(() => list.show(), MINUTE_MS);
  startSearch((query) => listing.find(query));
}

function retryInTime(events, listing) {
  addEventListener("online", () => listing.retry());
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
  q.value = asked.get("q") ?? "";
  sort.value = SORTS.includes(asked.get("sort")) ? asked.get("sort") : SORTS[0];
  let timer = null;
  const now = () => {
    clearTimeout(timer);
    const parameters = new URLSearchParams();
    if (q.value) parameters.set("q", q.value);
    if (sort.value !== SORTS[0]) parameters.set("sort", sort.value);
    history.replaceState(null, "", `${location.pathname}?${parameters}`.replace(/\?$/, ""));
    find({ q: q.value, sort: sort.value });
  };
  q.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(now, TYPED_MS);
  });
  sort.addEventListener("change", now);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    now();
  });
  now();
}
