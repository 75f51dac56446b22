// Sending files.

import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { called, isStored, offset, put, record } from "./support/api.mjs";
import { NETWORK_TROUBLE } from "./support/browser.mjs";
import { content, sha256, writeContent } from "./support/content.mjs";
import { choose, drop, goes, network, pasted, progress, requests, stored, upload } from "./support/page.mjs";
import { Standalone } from "./support/site.mjs";
import { topic } from "./support/topic.mjs";
import { until } from "./support/wait.mjs";

const MIB = 1 << 20;
const LIMIT = 64 * MIB;
/** So slow that what is done while a file of some MiB is sent is done before it is sent. */
const SLOW = { up: 2 * MIB };

/** Where the page's next upload is. */
async function nextUpload(page) {
  const answer = await page.waitForResponse((answer) => answer.request().method() === "POST" && answer.url().endsWith("/files/"));
  return (await answer.allHeaders()).location;
}

/** Opens the page with a slow network, and chooses a file; goes on when a part of it is sent. */
async function begin(visitor, file) {
  const page = await visitor.open();
  await network(page, SLOW);
  const [path] = await Promise.all([nextUpload(page), choose(page, file)]);
  await until("some of it is sent", async () => await progress(page, file.name) > 0.1);
  return { page, path, row: upload(page, file.name) };
}

async function assertStored(site, { name, sha256, size }) {
  const records = await called(site, name);
  assert.equal(records.length, 1, name);
  assert.deepEqual([records[0].sha256, records[0].size_bytes], [sha256, size]);
}

topic("Sending files", (scope) => Standalone.start(scope, ["--max-upload-size", `${LIMIT}`]), (rule) => {
  rule("files that are chosen are sent at once, and their digests shown", async ({ site, scope, visit }) => {
    const folder = await scope.folder();
    const files = [await writeContent(folder, "chosen one.bin", 1, 5 * MIB), await writeContent(folder, "escolhido é.txt", 2, 10)];
    const page = await (await visit()).open();
    await choose(page, ...files);
    for (const file of files) {
      await stored(page, file.name);
      await upload(page, file.name).getByText(file.sha256).waitFor();
      await assertStored(site, file);
    }
  });

  rule("files and folders that are dropped are sent", async ({ site, scope, visit }) => {
    const folder = await scope.folder();
    await mkdir(join(folder, "a folder"));
    const inside = await writeContent(join(folder, "a folder"), "inside.bin", 3, MIB);
    const files = [await writeContent(folder, "dropped.bin", 4, MIB), { path: join(folder, "a folder") }];
    const page = await (await visit()).open();
    await drop(page, ...files);
    for (const file of [files[0], inside]) {
      await stored(page, file.name);
      await assertStored(site, file);
    }
  });

  rule("a picture that is pasted is sent", async ({ site, visit }) => {
    const visitor = await visit();
    await visitor.context.grantPermissions(["clipboard-read", "clipboard-write"]);
    const page = await visitor.open();
    await page.evaluate(async () => {
      const canvas = new OffscreenCanvas(4, 4);
      canvas.getContext("2d").fillRect(0, 0, 2, 2);
      await navigator.clipboard.write([new ClipboardItem({ "image/png": await canvas.convertToBlob() })]);
    });
    await page.keyboard.press("Control+V");
    await stored(page, "image.png");
    assert.equal((await called(site, "image.png"))[0].content_type, "image/png");
  });

  rule("text that is pasted is not a file", async ({ visit }) => {
    const page = await (await visit()).open();
    const posts = requests(page, "POST");
    await page.getByRole("searchbox").fill("some words");
    await page.keyboard.press("Control+A");
    await page.keyboard.press("Control+C");
    assert.equal(await pasted(page), "some words");
    assert.equal(posts.length, 0);
  });

  rule("an empty file is a file", async ({ site, scope, visit }) => {
    const empty = await writeContent(await scope.folder(), "empty.txt", 5, 0);
    const page = await (await visit()).open();
    await choose(page, empty);
    await stored(page, empty.name);
    await assertStored(site, empty);
  });

  rule("while a file is sent its progress, speed and time left are shown", async ({ scope, visit }) => {
    const file = await writeContent(await scope.folder(), "slow.bin", 6, 12 * MIB);
    const { page, row } = await begin(await visit(), file);
    await row.getByText(/of 12 MiB/).waitFor();
    await row.getByText(/\d (K|M)iB\/s/).waitFor();
    await row.getByText(/\d s left/).waitFor();
    const first = await progress(page, file.name);
    await until("it goes on", async () => await progress(page, file.name) > first);
    await page.waitForFunction(() => /\d+\s?%/.test(document.title));
    await network(page);
    await stored(page, file.name);
    await page.waitForFunction(() => !document.title.includes("%"));
  });

  rule("a paused upload stands still, and goes on where it was", async ({ site, scope, visit }) => {
    const file = await writeContent(await scope.folder(), "halted.bin", 7, 12 * MIB);
    const { page, path, row } = await begin(await visit(), file);
    const parts = requests(page, "PATCH");
    await row.getByRole("button", { name: /^Pause/ }).click();
    await row.getByText("Paused").waitFor();
    const stands = await offset(site, path);
    assert(stands > 0 && stands < file.size, `${stands}`);
    assert.equal(parts.length, 0);
    await row.getByRole("button", { name: /^Resume/ }).click();
    await until("the rest is sent", () => parts.length === 1);
    const from = Number(await parts[0].headerValue("Upload-Offset"));
    // What had been on its way may have arrived since.
    assert(from >= stands, `sent from ${from}, though ${stands} were there`);
    await network(page);
    await stored(page, file.name);
    await assertStored(site, file);
  });

  rule("a cancelled upload leaves nothing", async ({ site, scope, visit }) => {
    const file = await writeContent(await scope.folder(), "cancelled.bin", 8, 12 * MIB);
    const { path, row } = await begin(await visit(), file);
    await row.getByRole("button", { name: /^Cancel/ }).click();
    await goes(row);
    await until("the upload is gone", async () => !await isStored(site, path.split("/").pop()));
  });

  rule("an upload that is refused says why, and is sent when it is tried again", async ({ site, scope, visit }) => {
    const file = await writeContent(await scope.folder(), "refused.bin", 9, MIB);
    const visitor = await visit();
    visitor.expect(NETWORK_TROUBLE);
    const page = await visitor.open();
    const problem = { code: "cross_site", title: "The house is on fire", detail: "Smoke is seen", advice: "Leave it" };
    await page.route("**/files/", (route) => route.fulfill({ status: 403, contentType: "application/problem+json", body: JSON.stringify(problem) }), { times: 1 });
    await choose(page, file);
    await upload(page, file.name).getByText(/The house is on fire.*Smoke is seen.*Leave it/).waitFor();
    await upload(page, file.name).getByRole("button", { name: "Try again" }).click();
    await stored(page, file.name);
    await assertStored(site, file);
  });

  rule("a file that is too large is refused before a byte is sent", async ({ site, scope, visit }) => {
    const file = await writeContent(await scope.folder(), "too large.bin", 10, LIMIT + 1);
    const page = await (await visit()).open();
    const posts = requests(page, "POST");
    await choose(page, file);
    await upload(page, file.name).getByText(/Larger than this service takes/).waitFor();
    assert.equal(posts.length, 0);
    assert.deepEqual(await called(site, file.name), []);
  });

  rule("several are sent at once, the others wait", async ({ site, scope, visit }) => {
    const folder = await scope.folder();
    const numbers = [1, 2, 3, 4, 5];
    const files = await Promise.all(numbers.map((number) => writeContent(folder, `several ${number}.bin`, 10 + number, 4 * MIB)));
    const page = await (await visit()).open();
    await network(page, SLOW);
    await choose(page, ...files);
    const rows = page.getByRole("list", { name: "Uploads" }).getByRole("listitem");
    await until("three are sent", async () => await rows.filter({ hasText: /of 4 MiB/ }).count() >= 3);
    assert.equal(await rows.filter({ hasText: "Waiting for its turn" }).count(), 2);
    await network(page);
    for (const file of files) await stored(page, file.name);
    for (const file of files) await assertStored(site, file);
    await page.getByRole("button", { name: "Clear finished" }).click();
    await until("the queue is empty", async () => await rows.count() === 0);
  });

  rule("all are paused and resumed at once", async ({ site, scope, visit }) => {
    const folder = await scope.folder();
    const files = await Promise.all([1, 2, 3, 4].map((number) => writeContent(folder, `all ${number}.bin`, 20 + number, 4 * MIB)));
    const page = await (await visit()).open();
    await network(page, SLOW);
    await choose(page, ...files);
    await page.getByRole("button", { name: "Pause all" }).click();
    const rows = page.getByRole("list", { name: "Uploads" }).getByRole("listitem");
    await until("all stand still", async () => await rows.filter({ hasText: "Paused" }).count() === files.length);
    await network(page);
    await page.getByRole("button", { name: "Resume all" }).click();
    for (const file of files) await stored(page, file.name);
    for (const file of files) await assertStored(site, file);
  });

  for (const [where, host] of [["", "127.0.0.1"], [" where the browser trusts the site less", "uploads.test"]]) {
    rule(`the link is copied${where}`, async ({ scope, visit }) => {
      const file = await writeContent(await scope.folder(), `link ${host}.bin`, 26, MIB);
      const visitor = await visit({ host });
      const page = await visitor.open();
      assert.equal(await page.evaluate(() => isSecureContext), host === "127.0.0.1");
      await choose(page, file);
      await stored(page, file.name);
      await upload(page, file.name).getByRole("button", { name: "Copy link" }).click();
      const link = await pasted(page);
      assert.match(link, new RegExp(`^http://${host}:\\d+/api/uploads/[0-9a-f-]+/content$`));
      const answer = await fetch(link.replace(host, "127.0.0.1"));
      assert.equal(sha256(Buffer.from(await answer.arrayBuffer())), file.sha256);
    });
  }

  rule("a file that was changed since it was chosen says so", async ({ scope, visit }) => {
    const folder = await scope.folder();
    const file = await writeContent(folder, "changed.bin", 27, 8 * MIB);
    const visitor = await visit();
    visitor.expect(NETWORK_TROUBLE, /ERR_UPLOAD_FILE_CHANGED/);
    const { page, row } = await begin(visitor, file);
    await row.getByRole("button", { name: /^Pause/ }).click();
    await row.getByText("Paused").waitFor();
    await writeContent(folder, "changed.bin", 28, 9 * MIB);
    await row.getByRole("button", { name: /^Resume/ }).click();
    await row.getByText(/changed, moved or removed/).waitFor();
    await network(page);
  });

  rule("an upload that another client made is not touched", async ({ site, scope, visit }) => {
    const other = await put(site, "same name.bin", content(29, MIB));
    const file = await writeContent(await scope.folder(), "same name.bin", 30, MIB);
    const page = await (await visit()).open();
    await choose(page, file);
    await stored(page, file.name);
    assert.equal((await record(site, other.id)).sha256, sha256(content(29, MIB)));
    assert.equal((await called(site, file.name)).length, 2);
  });
});
