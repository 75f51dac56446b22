// The list of files as it is at the moment: searched, sorted, without end, and changed as things happen.

import { onLanguage } from "./i18n.js";
import { Listing } from "./listing.js";
import { SORTS } from "./order.js";
import { Removing } from "./removing.js";
import { View } from "./view.js";

const TYPED_MS = 200, MINUTE_MS = 60_000;

export function startFiles(events) {
  const listing = new Listing(), removing = new Removing();
  const view = new View(listing, removing);
  listing.addEventListener("change", ({ detail }) => view.show(detail));
  removing.addEventListener("change", () => view.show());
  removing.addEventListener("removed", ({ detail }) => listing.removed([detail.id]));
  removing.addEventListener("undone", ({ detail }) => {
    view.show();
    view.welcomeBack(detail);
  });
  listen(events, listing, ({ removed, completed }) => {
    removing.removedElsewhere(removed);
    view.removedElsewhere(removed);
    listing.removed(removed);
    listing.completed(completed);
  });
  onLanguage(() => view.show());
  setInterval(() => view.show(), MINUTE_MS);
  startSearch((query) => listing.find(query));
}

function listen(events, listing, changed) {
  events.addEventListener("uploads", ({ detail }) => changed(detail));
  events.addEventListener("reload", () => listing.reload());
  addEventListener("upload-complete", ({ detail }) => listing.completed([detail]));
  addEventListener("online", () => listing.retry());
  // Replicas are told of each second; only the first after a time without is news.
  let unavailable = false;
  events.addEventListener("unavailable", () => { unavailable = true; });
  events.addEventListener("replicas", () => {
    if (unavailable) listing.retry();
    unavailable = false;
  });
}

/** Calls `find({q, sort})` now, and whenever it is another. The address of the page says it too, so that it can be passed on. */
function startSearch(find) {
  const form = document.getElementById("find"), q = document.getElementById("q"), sort = document.getElementById("sort");
  const asked = new URLSearchParams(location.search);
  q.value = asked.get("q") ?? "";
  sort.value = SORTS.includes(asked.get("sort")) ? asked.get("sort") : SORTS[0];
  let timer = null, last = null;
  const now = () => {
    clearTimeout(timer);
    const query = { q: q.value, sort: sort.value };
    if (last && last.q === query.q && last.sort === query.sort) return;
    if (last) history.replaceState(null, "", addressOf(query));
    last = query;
    find(query);
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

function addressOf({ q, sort }) {
  const parameters = new URLSearchParams();
  if (q) parameters.set("q", q);
  if (sort !== SORTS[0]) parameters.set("sort", sort);
  return parameters.size > 0 ? `?${parameters}` : location.pathname;
}
