// Without JavaScript the page is a form and a list, and does all that a visitor needs.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { called, isStored, put } from "./support/api.mjs";
import { NETWORK_TROUBLE } from "./support/browser.mjs";
import { content, sha256, writeContent } from "./support/content.mjs";
import { Standalone } from "./support/site.mjs";
import { topic } from "./support/topic.mjs";

const LIMIT = 8 << 20;
const QUIET = { script: false };

const files = (page) => page.getByRole("region", { name: "Files", exact: true }).getByRole("listitem");

const names = (page) => files(page).evaluateAll((items) => items.map((item) => item.querySelector("a").textContent));

async function search(page, words) {
  await page.getByRole("searchbox", { name: "Search by name" }).fill(words);
  await page.getByRole("button", { name: "Search" }).click();
}

topic("Without JavaScript", (scope) => Standalone.start(scope, ["--max-upload-size", `${LIMIT}`]), (rule) => {
  rule("the form sends several files", async ({ site, scope, visit }) => {
    const folder = await scope.folder();
    const sent = [await writeContent(folder, "a form.bin", 1, 3 << 20), await writeContent(folder, "ação.txt", 2, 0)];
    const page = await (await visit(QUIET)).open();
    await page.getByLabel(/One or several/).setInputFiles(sent.map(({ path }) => path));
    await page.getByRole("button", { name: "Upload" }).click();
    for (const file of sent) {
      await page.getByRole("link", { name: file.name }).waitFor();
      const [record] = await called(site, file.name);
      assert.equal(record.sha256, file.sha256);
    }
  });

  rule("a file is downloaded as it was", async ({ site, visit }) => {
    await put(site, "download.bin", content(3, 1 << 20));
    const page = await (await visit(QUIET)).open();
    const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name: "download.bin" }).click()]);
    assert.equal(download.suggestedFilename(), "download.bin");
    assert.equal(sha256(await readFile(await download.path())), sha256(content(3, 1 << 20)));
  });

  rule("the list is searched", async ({ site, visit }) => {
    for (const name of ["Needle one.txt", "hay.txt", "needle two.txt"]) await put(site, name, "x");
    const page = await (await visit(QUIET)).open();
    await search(page, "needle");
    await page.waitForURL(/q=needle/);
    assert.deepEqual(await names(page), ["needle two.txt", "Needle one.txt"]);
    await search(page, "<b>nothing</b>");
    await page.getByText("“<b>nothing</b>”").waitFor();
    assert.equal(await files(page).count(), 0);
  });

  rule("the list is sorted", async ({ site, visit }) => {
    for (const [name, size] of [["sorted b", 300], ["sorted c", 100], ["sorted a", 200]]) await put(site, name, content(4, size));
    const page = await (await visit(QUIET)).open();
    for (const [order, expected] of [["By name", "abc"], ["Largest first", "bac"], ["Oldest first", "bca"]]) {
      await page.getByRole("combobox", { name: "Sort by" }).selectOption({ label: order });
      await search(page, "sorted");
      assert.deepEqual(await names(page), [...expected].map((letter) => `sorted ${letter}`), order);
    }
  });

  rule("a long list goes on on another page, as it was sorted", async ({ site, visit }) => {
    const all = Array.from({ length: 53 }, (_, number) => `page ${String(number).padStart(2, "0")}`);
    for (const name of [...all].reverse()) await put(site, name, "x");
    const page = await (await visit(QUIET)).open("/?q=page&sort=name");
    const first = await names(page);
    await page.getByRole("link", { name: "More files" }).click();
    await page.waitForURL(/cursor=/);
    assert.deepEqual([...first, ...await names(page)], all);
    assert.equal(await page.getByRole("link", { name: "More files" }).count(), 0);
  });

  rule("a file is deleted", async ({ site, visit }) => {
    const { id } = await put(site, "deleted.txt", "x");
    const page = await (await visit(QUIET)).open();
    await page.getByRole("button", { name: "Delete deleted.txt" }).click();
    await page.waitForLoadState();
    await page.getByRole("heading", { name: "Files", exact: true }).waitFor();
    assert(!(await names(page)).includes("deleted.txt"));
    assert(!await isStored(site, id));
  });

  rule("a file that is too large is answered in words, and the page stays", async ({ site, scope, visit }) => {
    const visitor = await visit(QUIET);
    visitor.expect(NETWORK_TROUBLE);
    const page = await visitor.open();
    const large = await writeContent(await scope.folder(), "too large.bin", 5, LIMIT + 1);
    await page.getByLabel(/One or several/).setInputFiles(large.path);
    await page.getByRole("button", { name: "Upload" }).click();
    const alert = page.getByRole("alert");
    await alert.waitFor();
    assert.match(await alert.innerText(), /too_large/);
    assert.deepEqual(await called(site, large.name), []);
    await alert.getByRole("link", { name: "Back to the list" }).click();
    await alert.waitFor({ state: "detached" });
  });

  rule("it says who answered, and what is known of a file", async ({ site, visit }) => {
    await put(site, "details.txt", "x");
    const visitor = await visit(QUIET);
    // Browsers ask for it where a page, here a JSON document, names no icon.
    visitor.expect(/favicon\.ico/);
    const page = await visitor.open();
    await page.getByRole("link", { name: "Who answers next?" }).click();
    assert.match(await page.locator("body").innerText(), /"frontend_container_id":\s*"[0-9a-f]{12}"/);
    await page.goto("/");
    await files(page).filter({ hasText: "details.txt" }).getByRole("link", { name: /^details$/i }).click();
    assert.match(await page.locator("body").innerText(), /"filename":\s*"details.txt"/);
  });

  rule("the language is the browser's, until another is chosen", async ({ visit }) => {
    const visitor = await visit({ ...QUIET, language: "pt-PT" });
    const page = await visitor.open();
    await page.getByRole("heading", { name: "Arquivos", exact: true }).waitFor();
    await page.getByRole("link", { name: "English" }).click();
    await page.getByRole("heading", { name: "Files", exact: true }).waitFor();
    assert.equal(await page.locator("html").getAttribute("lang"), "en");
    const later = await visitor.open();
    await later.getByRole("heading", { name: "Files", exact: true }).waitFor();
  });

  rule("what a file is called never becomes part of the page", async ({ site, visit }) => {
    const name = "<img src=x onerror=alert(1)>\"'&lt;.txt";
    await put(site, name, "x");
    const page = await (await visit(QUIET)).open();
    await page.getByRole("link", { name, exact: true }).waitFor();
    assert.equal(await page.locator("img[src=x]").count(), 0);
  });
});
