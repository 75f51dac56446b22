// The list of files.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { isStored, put, record, remove } from "./support/api.mjs";
import { content, sha256, writeContent } from "./support/content.mjs";
import { choose, file, fileNames, goes, nameOf, pasted, requests, undo } from "./support/page.mjs";
import { Standalone } from "./support/site.mjs";
import { topic } from "./support/topic.mjs";
import { until } from "./support/wait.mjs";

const MIB = 1 << 20;
/** Longer than a deletion can be undone. */
const LONG_MS = 60_000;

const putAll = async (site, names) => {
  for (const name of names) await put(site, name, name);
};

const section = (page) => page.getByRole("region", { name: "Files", exact: true });

const notices = (page) => page.getByRole("region", { name: "Notices" });

const search = (page, text) => page.getByRole("searchbox").fill(text);

const shows = (page, names) => until(`the list is ${names}`, async () => JSON.stringify(await fileNames(page)) === JSON.stringify(names));

/** Deletes a file in the page, and waits until it has gone. */
async function removeByHand(page, name) {
  await page.getByRole("button", { name: `Delete ${name}` }).click();
  await goes(file(page, name));
}

topic("The list of files", (scope) => Standalone.start(scope), (rule) => {
  rule("an empty list says what to do", async ({ visit }) => {
    const page = await (await visit()).open();
    await section(page).getByText("Nothing here yet. The first file you send appears in this list.").waitFor();
  });

  rule("a file that was just sent is in it", async ({ scope, visit }) => {
    const sent = await writeContent(await scope.folder(), "just sent.bin", 1, 3 * MIB);
    const page = await (await visit()).open();
    await choose(page, sent);
    await file(page, sent.name).getByText("3 MiB").waitFor();
    assert.equal(await file(page, sent.name).count(), 1);
  });

  rule("what another client stores and deletes comes and goes by itself", async ({ site, visit }) => {
    const visitor = await visit();
    // It may be gone when the page asks which replicas have stored it.
    visitor.expect(/410 \(Gone\)/);
    const page = await visitor.open();
    await page.getByRole("heading", { name: "Files", exact: true }).waitFor();
    const { id } = await put(site, "of another.txt", "x");
    await file(page, "of another.txt").waitFor();
    await remove(site, id);
    await goes(file(page, "of another.txt"));
  });

  rule("it is searched while one types, and the address says so", async ({ site, visit }) => {
    await putAll(site, ["Needle one", "hay", "needle two"]);
    const visitor = await visit();
    const page = await visitor.open();
    await search(page, "needle");
    await shows(page, ["needle two", "Needle one"]);
    // What does not match stays out, what matches comes in.
    await putAll(site, ["more hay", "needle three"]);
    await shows(page, ["needle three", "needle two", "Needle one"]);
    await search(page, "<b>none</b>");
    await section(page).getByText("“<b>none</b>”").waitFor();
    await search(page, "needle");
    await page.waitForURL(/[?&]q=needle/);
    await shows(await visitor.open(new URL(page.url()).search), ["needle three", "needle two", "Needle one"]);
  });

  rule("it is sorted, and what comes goes where it belongs", async ({ site, visit }) => {
    for (const [name, size] of [["sorted b", 3000], ["sorted d", 1000], ["sorted a", 2000]]) await put(site, name, content(2, size));
    const page = await (await visit()).open("/?q=sorted");
    const sort = (label) => page.getByRole("combobox", { name: "Sort by" }).selectOption({ label });
    for (const [order, expected] of [["By name", "abd"], ["Largest first", "bad"], ["Smallest first", "dab"], ["Oldest first", "bda"], ["Newest first", "adb"]]) {
      await sort(order);
      await shows(page, [...expected].map((letter) => `sorted ${letter}`));
    }
    await sort("By name");
    await shows(page, ["sorted a", "sorted b", "sorted d"]);
    await put(site, "sorted c", "x");
    await shows(page, ["sorted a", "sorted b", "sorted c", "sorted d"]);
  });

  rule("it goes on while one scrolls: nothing twice, nothing left out", async ({ site, visit }) => {
    const all = Array.from({ length: 130 }, (_, number) => `endless ${String(number).padStart(3, "0")}`);
    await Promise.all(all.map((name) => put(site, name, "x")));
    const page = await (await visit()).open("/?q=endless&sort=name");
    await page.getByText("endless 000").waitFor();
    assert((await fileNames(page)).length < all.length);
    // What comes meanwhile moves nothing out of reach.
    await put(site, "endless", "x");
    await until("the end is said", async () => {
      await page.mouse.wheel(0, 5000);
      return section(page).getByText(/^That is all/).isVisible();
    });
    assert.deepEqual(await fileNames(page), ["endless", ...all]);
  });

  rule("a bar shows which backends stored which part", async ({ site, visit }) => {
    const { id } = await put(site, "in parts.bin", content(3, 40 * MIB));
    const { segments } = await record(site, id);
    const backends = [...new Set(segments.map(({ backend_container_id: backend }) => backend))];
    assert(backends.length > 1);
    const page = await (await visit()).open();
    const bar = file(page, "in parts.bin").getByRole("img", { name: new RegExp(`${backends.length} backends`) });
    const name = await bar.getAttribute("aria-label");
    for (const backend of backends) assert(name.includes(backend.slice(0, 4)), name);
    await nameOf(page, "in parts.bin").click();
    for (const backend of backends) await page.getByRole("dialog").getByText(backend).waitFor();
    for (const { frontend_container_id: frontend } of segments) await page.getByRole("dialog").getByText(frontend).first().waitFor();
  });

  rule("of a file whose record does not tell of all segments a bar shows the part that it tells of", async ({ site, visit }) => {
    const { id } = await put(site, "in many parts.bin", content(6, 40 * MIB));
    const visitor = await visit();
    // As of a file in more than 20,000 segments.
    await visitor.context.route(`**/api/uploads/${id}`, async (route) => {
      const answer = await route.fetch(), told = await answer.json();
      await route.fulfill({ response: answer, json: { ...told, segments: [{ ...told.segments[0], length: told.received_bytes / 4 }] } });
    });
    await file(await visitor.open(), "in many parts.bin").getByRole("img", { name: /^1 backend: .{4}… 25%$/ }).waitFor();
  });

  rule("the details tell size, type, digest and link, and the file is downloaded", async ({ site, visit }) => {
    const bytes = content(4, 1234);
    await put(site, "details.bin", bytes);
    const page = await (await visit()).open();
    await nameOf(page, "details.bin").click();
    const dialog = page.getByRole("dialog", { name: "details.bin" });
    await dialog.getByText(sha256(bytes)).waitFor();
    await dialog.getByText(/1\.2 KiB \(1,234 B/).waitFor();
    const [download] = await Promise.all([page.waitForEvent("download"), dialog.getByRole("link", { name: "Download" }).click()]);
    assert.equal(download.suggestedFilename(), "details.bin");
    assert.equal(sha256(await readFile(await download.path())), sha256(bytes));
    await page.keyboard.press("Escape");
    await goes(dialog);
    assert(await nameOf(page, "details.bin").evaluate((link) => link === document.activeElement));
  });

  for (const [where, host] of [["", "127.0.0.1"], [" where the browser trusts the site less", "uploads.test"]]) {
    rule(`the link of a file is copied${where}`, async ({ site, visit }) => {
      const { id } = await put(site, `link at ${host}.txt`, "x");
      const page = await (await visit({ host })).open();
      await page.getByRole("button", { name: `Copy link: link at ${host}.txt` }).click();
      await file(page, `link at ${host}.txt`).waitFor();
      assert.equal(await pasted(page), `${new URL(page.url()).origin}/api/uploads/${id}/content`);
    });
  }

  rule("what is deleted and undone is back where it was, and was never deleted", async ({ site, visit }) => {
    await putAll(site, ["undone 1", "undone 2", "undone 3"]);
    const page = await (await visit()).open("/?q=undone");
    await page.clock.install();
    const deletions = requests(page, "DELETE");
    await removeByHand(page, "undone 2");
    await undo(page).click();
    await shows(page, ["undone 3", "undone 2", "undone 1"]);
    await page.clock.fastForward(LONG_MS);
    await page.reload();
    await shows(page, ["undone 3", "undone 2", "undone 1"]);
    assert.equal(deletions.length, 0);
  });

  rule("what is deleted goes when the time to undo has passed, and not before", async ({ site, visit }) => {
    const { id } = await put(site, "deleted.txt", "x");
    const page = await (await visit()).open();
    await page.clock.install();
    const deletions = requests(page, "DELETE");
    await removeByHand(page, "deleted.txt");
    await page.mouse.move(0, 0);
    assert(await isStored(site, id) && deletions.length === 0);
    await page.clock.fastForward(LONG_MS);
    await until("it is deleted", async () => !await isStored(site, id));
    assert.equal(deletions.length, 1);
    await goes(undo(page));
  });

  rule("what is deleted goes, too, when the visitor leaves before that", async ({ site, visit }) => {
    const { id } = await put(site, "left behind.txt", "x");
    const page = await (await visit()).open();
    await removeByHand(page, "left behind.txt");
    await page.goto("about:blank");
    await until("it is deleted", async () => !await isStored(site, id));
  });

  rule("a file that cannot be deleted comes back, and it is said why", async ({ site, visit }) => {
    await put(site, "kept.txt", "x");
    const visitor = await visit();
    visitor.expect(/Failed to load resource/);
    const page = await visitor.open();
    await page.clock.install();
    const problem = { code: "cross_site", title: "Not from there", status: 403, detail: "no", advice: "none" };
    await page.route("**/api/uploads/*", (route) => (route.request().method() === "DELETE"
      ? route.fulfill({ status: 403, contentType: "application/problem+json", body: JSON.stringify(problem) }) : route.continue()));
    await removeByHand(page, "kept.txt");
    await page.mouse.move(0, 0);
    await page.clock.fastForward(LONG_MS);
    await notices(page).getByText(/kept\.txt could not be deleted/).waitFor();
    await file(page, "kept.txt").waitFor();
  });

  rule("a deletion elsewhere closes the details, with a word", async ({ site, visit }) => {
    const { id } = await put(site, "read and deleted.txt", "what is read");
    const page = await (await visit()).open();
    await nameOf(page, "read and deleted.txt").click();
    await page.getByRole("dialog").getByText("what is read").waitFor();
    await remove(site, id);
    await goes(page.getByRole("dialog"));
    await notices(page).getByText(/deleted/).waitFor();
  });

  rule("while the service is away the list stays, and comes back by itself", async ({ site, visit }) => {
    await put(site, "before.txt", "x");
    const visitor = await visit();
    visitor.expect(/Failed to load resource|net::ERR_/);
    const page = await visitor.open("/?q=before");
    await file(page, "before.txt").waitFor();
    await site.kill();
    await page.getByText("No connection. Trying again…").waitFor();
    await page.getByRole("combobox", { name: "Sort by" }).selectOption({ label: "By name" });
    await section(page).getByText(/The service does not answer/).waitFor();
    await file(page, "before.txt").waitFor();
    await site.restart();
    await put(site, "before and after.txt", "x");
    await shows(page, ["before and after.txt", "before.txt"]);
    await goes(section(page).getByText(/The service does not answer/));
  });
});
