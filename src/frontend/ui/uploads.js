// Sending files: how they are chosen, and the queue on the screen.

import { h, quiet, say, sync, write } from "./dom.js";
import { takeDropped } from "./dropped.js";
import { bytes, onLanguage, percent, t } from "./i18n.js";
import { Queue, complete, running } from "./queue.js";
import { makeRow, pace } from "./row.js";
import { same } from "./stored.js";
import { named, toast } from "./toast.js";

const DRAW_MS = 200, TICK_MS = 1000;

export function startUploads() {
  const queue = new Queue(Number(document.body.dataset.maxUploadSize) || Infinity);
  const add = (file, path) => queue.add(file, path) || toast(named("queued_already", file.name));
  const pick = choose(add);
  takeDrops(add);
  takePastes(add);
  show(queue, pick);
  tell(queue);
  queue.restore();
}

/** Gives a function that opens the picker for the file of an item: one that an earlier visit has begun, or that was changed. */
function choose(add) {
  const input = document.getElementById("pick");
  let wanted = null;
  const want = (item) => { wanted = item; };
  const open = (item) => {
    want(item);
    input.click();
  };
  const is = (file) => (wanted?.state === "failed" ? file.name === wanted.name : wanted && same(file, wanted));
  document.getElementById("choose").addEventListener("click", () => open(null));
  input.labels.forEach((label) => label.addEventListener("click", () => want(null)));
  input.addEventListener("cancel", () => want(null));
  input.addEventListener("change", () => {
    const files = [...input.files];
    input.value = "";
    if (!wanted || files.some(is)) files.forEach((file) => add(file, is(file) ? wanted.path : ""));
    else toast(named("another_file", wanted.name, { size: bytes(wanted.size) }));
    want(null);
  });
  return open;
}

function takeDrops(add) {
  const over = (event, is) => {
    if (!event.dataTransfer?.types.includes("Files")) return false;
    event.preventDefault();
    document.documentElement.classList.toggle("dragging", is);
    return true;
  };
  addEventListener("dragover", (event) => over(event, true));
  // To nothing: out of the window.
  addEventListener("dragleave", (event) => event.relatedTarget || over(event, false));
  addEventListener("drop", async (event) => {
    if (over(event, false) && !await takeDropped(event.dataTransfer, add)) toast(t("not_read"));
  });
}

function takePastes(add) {
  addEventListener("paste", (event) => {
    const { files, types } = event.clipboardData;
    const writing = event.target.matches?.("input, textarea") && types.includes("text/plain");
    if (files.length === 0 || writing) return;
    event.preventDefault();
    [...files].forEach((file) => add(file));
  });
}

function show(queue, pick) {
  const list = document.getElementById("queue");
  const resume = (item) => queue.resume(item);
  const acts = { pause: (item) => queue.pause(item), resume, retry: resume, choose_again: pick, remove: (item) => queue.remove(item) };
  const summary = makeSummary(queue);
  list.before(summary);
  const draw = keepingFocus(list, () => {
    // What is done makes room for what is not.
    const items = [...queue.items.filter((item) => !complete(item)), ...queue.items.filter(complete)];
    sync(list, items, ({ id }) => id, (item) => makeRow(item, (what) => acts[what](item)), (row) => row.update());
    summary.update();
    const { left, sent, size } = queue.total();
    document.title = left > 0 ? `${percent(sent / (size || 1))} (${left}) · swarm-upload` : "swarm-upload";
  });
  let due = null;
  queue.addEventListener("change", () => {
    due ??= setTimeout(() => {
      due = null;
      draw();
    }, DRAW_MS);
  });
  // What is asked for by hand is shown at once.
  list.parentElement.addEventListener("click", draw);
  setInterval(() => queue.items.some(running) && draw(), TICK_MS);
  onLanguage(draw);
}

/** Those who do not see it hear of each failure, and once that all is done. */
function tell(queue) {
  queue.addEventListener("failed", ({ detail: { name } }) => say(t("said_failed", { name })));
  queue.addEventListener("complete", ({ detail: { name } }) => {
    const count = queue.items.filter(complete).length;
    if (!queue.items.some(running)) say(t("said_stored", { count, name }));
  });
  queue.addEventListener("record", ({ detail: { record } }) => dispatchEvent(new CustomEvent("upload-complete", { detail: record })));
}

function makeSummary(queue) {
  const all = (which, what) => queue.items.filter(which).forEach((item) => queue[what](item));
  const paused = ({ state }) => state === "paused";
  const text = h("p");
  const halt = quiet(() => (queue.items.some(running) ? all(running, "pause") : all(paused, "resume")));
  const clear = quiet(() => all(complete, "remove"));
  const summary = h("div", { class: "bar summary" }, text, h("div", { class: "actions" }, halt, clear));
  summary.update = () => {
    const { items } = queue, { sent, size, speed } = queue.total(), runs = items.some(running), done = items.filter(complete).length;
    summary.hidden = items.length < 2;
    write(text, [t("stored_of", { done, count: items.length }), ...pace(speed, size - sent)].join(" · "));
    write(halt, t(runs ? "pause_all" : "resume_all"));
    halt.hidden = !runs && !items.some(paused);
    write(clear, t("clear_finished"));
    clear.hidden = done === 0;
  };
  return summary;
}

/** What has the focus keeps it where it moves; where it goes, what is beside it gets it. */
function keepingFocus(list, draw) {
  return () => {
    const focused = document.activeElement, row = focused?.closest(".upload, .summary"), at = [...list.children].indexOf(row);
    draw();
    if (!row) return;
    const places = [row, list.children[at] ?? list.lastElementChild, list].flatMap((place) => [...place?.querySelectorAll("button") ?? []]);
    [focused, ...places, document.getElementById("choose")].find((place) => place.checkVisibility()).focus();
  };
}
