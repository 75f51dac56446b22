// Sending files: how they are chosen, and the queue on the screen.

import { h, say, sync, write } from "./dom.js";
import { takeDropped } from "./dropped.js";
import { bytes, duration, onLanguage, t } from "./i18n.js";
import { Queue, running } from "./queue.js";
import { makeRow, percent } from "./row.js";
import { same } from "./stored.js";
import { toast } from "./toast.js";

const DRAW_MS = 200, TICK_MS = 1000;

export function startUploads() {
  const queue = new Queue(Number(document.body.dataset.maxUploadSize) || Infinity);
  const pick = choose(queue);
  takeDrops(queue);
  takePastes(queue);
  show(queue, pick);
  queue.restore();
}

function add(queue, file, path) {
  if (!queue.add(file, path)) toast(t("queued_already", { name: file.name }));
}

/** Gives a function that opens the picker: for a file that an earlier visit has begun, or for any. */
function choose(queue) {
  const input = document.getElementById("pick"), button = document.getElementById("choose");
  let wanted = null;
  const open = (item) => {
    wanted = item;
    input.click();
  };
  button.addEventListener("click", () => open(null));
  input.addEventListener("change", () => {
    const files = [...input.files];
    input.value = "";
    if (wanted && !files.some((file) => same(file, wanted))) toast(t("another_file", { name: wanted.name, size: bytes(wanted.size) }));
    else for (const file of files) add(queue, file);
    wanted = null;
  });
  document.getElementById("send").addEventListener("submit", (event) => event.preventDefault());
  return open;
}

function takeDrops(queue) {
  const page = document.documentElement;
  const over = (event, is) => {
    if (!event.dataTransfer?.types.includes("Files")) return false;
    event.preventDefault();
    page.classList.toggle("dragging", is);
    return true;
  };
  addEventListener("dragover", (event) => over(event, true));
  // Onto nothing: out of the window.
  addEventListener("dragleave", (event) => event.relatedTarget || over(event, false));
  addEventListener("drop", async (event) => {
    if (!over(event, false)) return;
    const count = await takeDropped(event.dataTransfer, (file, path) => add(queue, file, path));
    if (count > 0) toast(t("not_read", { count }));
  });
}

function takePastes(queue) {
  addEventListener("paste", (event) => {
    const { files, types } = event.clipboardData;
    const writing = event.target.matches?.("input, textarea") && types.includes("text/plain");
    if (files.length === 0 || writing) return;
    event.preventDefault();
    for (const file of files) add(queue, file);
  });
}

function show(queue, pick) {
  const list = document.getElementById("queue");
  const acts = {
    pause: (item) => queue.pause(item),
    resume: (item) => queue.resume(item),
    retry: (item) => queue.resume(item),
    choose_again: pick,
    remove: (item) => queue.remove(item),
  };
  const summary = makeSummary(queue);
  list.before(summary);
  const draw = keepingFocus(list, () => {
    sync(list, queue.items, ({ id }) => id, (item) => makeRow(item, (what) => acts[what](item)), (row) => row.update());
    summary.update();
    const { sent, size, count, done } = queue.total();
    document.title = count > done ? `${percent(size ? sent / size : 0)} (${count - done}) · swarm-upload` : "swarm-upload";
  });
  let due = null;
  const soon = () => {
    due ??= setTimeout(() => {
      due = null;
      draw();
    }, DRAW_MS);
  };
  queue.addEventListener("change", soon);
  // What is asked for by hand is shown at once.
  list.parentElement.addEventListener("click", draw);
  setInterval(() => queue.items.some(running) && draw(), TICK_MS);
  onLanguage(draw);
  tellOf(queue);
}

/** Those who do not see it hear of each failure, and once when all is done. */
function tellOf(queue) {
  queue.addEventListener("failed", ({ detail: { name } }) => say(t("said_failed", { name })));
  queue.addEventListener("complete", ({ detail: { name } }) => {
    const { count, done } = queue.total();
    if (count === done) say(count === 1 ? t("said_stored", { name }) : t("said_all_stored", { count }));
  });
  queue.addEventListener("record", ({ detail }) => dispatchEvent(new CustomEvent("upload-complete", { detail })));
}

function makeSummary(queue) {
  const button = (onclick) => h("button", { class: "quiet", type: "button", onclick });
  const text = h("p");
  const halt = button(() => {
    const going = queue.items.filter(running);
    for (const item of going) queue.pause(item);
    if (going.length === 0) for (const item of queue.items.filter(({ state }) => state === "paused")) queue.resume(item);
  });
  const clear = button(() => queue.items.filter(({ state }) => state === "complete").forEach((item) => queue.remove(item)));
  const summary = h("div", { class: "bar summary" }, text, h("div", { class: "actions" }, halt, clear));
  summary.update = () => {
    const { items } = queue, { count, done, sent, size, speed } = queue.total();
    summary.hidden = items.length < 2;
    const words = [t("stored_of", { done, count })];
    if (done < count && speed > 0) words.push(`${bytes(speed)}/s`, t("left", { time: duration((size - sent) / speed) }));
    write(text, words.join(" · "));
    write(halt, t(items.some(running) ? "pause_all" : "resume_all"));
    halt.hidden = !items.some((item) => running(item) || item.state === "paused");
    write(clear, t("clear_finished"));
    clear.hidden = !items.some(({ state }) => state === "complete");
  };
  return summary;
}

/** A button that goes while it has the focus leaves it to what is beside it. */
function keepingFocus(list, draw) {
  return () => {
    const focused = document.activeElement, row = focused?.closest(".upload, .summary");
    const place = [...list.children].indexOf(row);
    draw();
    if (!row || (focused.isConnected && !focused.closest("[hidden]"))) return;
    const beside = row.isConnected ? row : list.children[Math.min(place, list.children.length - 1)];
    (beside?.querySelector("button:not([hidden])") ?? document.getElementById("choose")).focus();
  };
}
