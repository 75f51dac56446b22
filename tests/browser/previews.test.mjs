// What is in a file is shown, and whatever it holds stays without effect.

import assert from "node:assert/strict";
import { put } from "./support/api.mjs";
import { goes, nameOf } from "./support/page.mjs";
import { Standalone } from "./support/site.mjs";
import { topic } from "./support/topic.mjs";
import { until } from "./support/wait.mjs";

/** A second of a tone. */
function sound() {
  const RATE = 8000;
  const header = Buffer.alloc(44);
  header.write("RIFF\0\0\0\0WAVEfmt ", "latin1");
  header.writeUInt32LE(36 + RATE, 4);
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(1, 20);
  header.writeUInt16LE(1, 22);
  header.writeUInt32LE(RATE, 24);
  header.writeUInt32LE(RATE, 28);
  header.writeUInt16LE(1, 32);
  header.writeUInt16LE(8, 34);
  header.write("data", 36, "latin1");
  header.writeUInt32LE(RATE, 40);
  return Buffer.concat([header, Buffer.from(Array.from({ length: RATE }, (_, at) => 128 + 100 * Math.sin(at / 3)))]);
}

/** A film and a picture, made by the browser itself. */
async function filmAndPicture(page) {
  const made = await page.evaluate(async () => {
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [64, 48];
    const pen = canvas.getContext("2d");
    const recorder = new MediaRecorder(canvas.captureStream(25), { mimeType: "video/webm" });
    const pieces = [];
    recorder.ondataavailable = ({ data }) => pieces.push(data);
    const ended = new Promise((resolve) => { recorder.onstop = resolve; });
    recorder.start();
    for (let frame = 0; frame < 12; frame += 1) {
      pen.fillStyle = `hsl(${frame * 30} 80% 50%)`;
      pen.fillRect(0, 0, 64, 48);
      await new Promise(requestAnimationFrame);
    }
    recorder.stop();
    await ended;
    const picture = await new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
    const bytes = async (blob) => [...new Uint8Array(await blob.arrayBuffer())];
    return { film: await bytes(new Blob(pieces)), picture: await bytes(picture) };
  });
  return { film: Buffer.from(made.film), picture: Buffer.from(made.picture) };
}

async function open(page, name) {
  await nameOf(page, name).click();
  const dialog = page.getByRole("dialog", { name });
  await dialog.waitFor();
  return dialog;
}

async function close(page) {
  await page.keyboard.press("Escape");
  await goes(page.getByRole("dialog"));
}

topic("Previews", (scope) => Standalone.start(scope), (rule) => {
  rule("pictures, text, sound and films are shown", async ({ site, visit }) => {
    const page = await (await visit()).open();
    const { film, picture } = await filmAndPicture(page);
    await put(site, "picture.png", picture);
    await put(site, "film.webm", film);
    await put(site, "sound.wav", sound());
    await put(site, "text.md", "# Words\nwith ação & <b>marks</b>\n");
    let dialog = await open(page, "picture.png");
    const image = dialog.getByRole("img", { name: "Preview of picture.png" });
    await until("the picture is there", () => image.evaluate((element) => element.naturalWidth === 64));
    await close(page);
    dialog = await open(page, "text.md");
    await dialog.getByText("with ação & <b>marks</b>").waitFor();
    await close(page);
    for (const [name, wanted] of [["sound.wav", (element) => Math.round(element.duration) === 1], ["film.webm", (element) => element.videoWidth === 64]]) {
      dialog = await open(page, name);
      const player = dialog.getByLabel(`Preview of ${name}`);
      await until(`${name} can be played`, () => player.evaluate(wanted));
      assert(await player.evaluate((element) => element.controls && element.paused));
      await close(page);
    }
  });

  rule("of a long text the beginning is shown, and that it is cut is said", async ({ site, visit }) => {
    await put(site, "long.txt", `the beginning ${"word ".repeat(100_000)} the end`);
    const page = await (await visit()).open();
    const dialog = await open(page, "long.txt");
    await dialog.getByText(/the beginning word/).waitFor();
    await dialog.getByText(/The first 64 KiB/).waitFor();
    assert.equal(await dialog.getByText(/the end/).count(), 0);
  });

  rule("what cannot be shown, and an empty file, have a word", async ({ site, visit }) => {
    await put(site, "archive.bin", Buffer.from([0, 1, 2, 3, 0, 255]));
    await put(site, "empty.txt", "");
    const page = await (await visit()).open();
    await (await open(page, "archive.bin")).getByText(/^No preview/).waitFor();
    await close(page);
    await (await open(page, "empty.txt")).getByText("This file is empty.").waitFor();
  });

  rule("scripts in a file never run, in its preview or when it is opened", async ({ site, visit }) => {
    const script = "<script>fetch('/ran-a-script'); parent.document.title = 'ran';</script>";
    const markup = `<img src=x onerror="fetch('/ran-a-handler')">${script}`;
    const drawing = `<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10" onload="fetch('/ran-a-handler')">${script}<rect width="9" height="9"/></svg>`;
    const hostile = [["page.html", "text/html", markup], ["drawing.svg", "image/svg+xml", drawing], ["plain.txt", "text/plain", markup], ["as picture.png", "image/png", drawing]];
    const visitor = await visit();
    const ran = [];
    visitor.context.on("request", (request) => request.url().includes("ran-a-") && ran.push(request.url()));
    const page = await visitor.open();
    for (const [name, type, body] of hostile) {
      const answer = await fetch(`${site.url}/api/uploads/${encodeURIComponent(name)}`, { method: "PUT", body, headers: { "Content-Type": type } });
      const { uploads: [{ url }] } = await answer.json();
      const dialog = await open(page, name);
      await dialog.getByText("Stored by backends").waitFor();
      assert.equal(await dialog.locator("script, iframe, object, embed").count(), 0, name);
      await close(page);
      const other = await visitor.context.newPage();
      await Promise.all([other.waitForEvent("download"), other.goto(url).catch(() => {})]);
      await other.close();
    }
    assert.deepEqual(ran, []);
    assert.equal(await page.title(), "swarm-upload");
  });

  rule("what a file is called never becomes part of the page", async ({ site, visit }) => {
    const name = "<img src=x onerror=\"fetch('ran-a-name')\">'&lt;.txt";
    const visitor = await visit();
    const ran = [];
    visitor.context.on("request", (request) => request.url().includes("ran-a-") && ran.push(request.url()));
    await put(site, name, "x");
    const page = await visitor.open();
    await open(page, name);
    await close(page);
    await page.getByRole("button", { name: `Delete ${name}` }).click();
    await page.getByRole("region", { name: "Notices" }).getByText(name).waitFor();
    assert.equal(await page.locator("img[src=x]").count(), 0);
    assert.deepEqual(ran, []);
  });
});
