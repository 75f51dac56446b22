// While the service is updated, the frontend that is asked for a file of the page may be of another version than the one that
// gave the page, and not have it. Those files that came are kept by the browser, so loading again soon has them all.
"use strict";
(() => {
  const LIMIT = 8, PAUSE_MS = 700, key = "swarm-upload.reloads";
  const reloads = () => Number(sessionStorage.getItem(key)) || 0;
  let due = false;
  const again = () => {
    if (due || reloads() >= LIMIT) return;
    due = true;
    sessionStorage.setItem(key, reloads() + 1);
    setTimeout(() => location.reload(), PAUSE_MS);
  };
  addEventListener("error", (event) => {
    const file = event.target instanceof Element && (event.target.src || event.target.href);
    if (file && new URL(file).pathname.startsWith("/ui/")) again();
  }, true);
  // What scripts fetch themselves: main.js says so.
  addEventListener("swarm-upload-incomplete", again);
  // The page is whole: main.js says so.
  addEventListener("swarm-upload-started", () => sessionStorage.removeItem(key));
})();
