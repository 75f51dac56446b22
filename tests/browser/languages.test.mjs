// English and Brazilian Portuguese, light and dark.

import assert from "node:assert/strict";
import { put } from "./support/api.mjs";
import { file } from "./support/page.mjs";
import { Standalone } from "./support/site.mjs";
import { topic } from "./support/topic.mjs";
import { fillList } from "./support/views.mjs";
import { until } from "./support/wait.mjs";

const heading = (page, name) => page.getByRole("heading", { name, exact: true });

/** All words of the page, names of what has no words included; numbers are another each second. */
async function words(page) {
  const text = await page.locator("body").innerText();
  const names = await page.locator("[aria-label], [placeholder], [title]").evaluateAll((elements) => elements
    .filter((element) => element.checkVisibility())
    .map((element) => [element.ariaLabel, element.placeholder, element.title].join("|")));
  return `${text}\n${names.join("\n")}`.replaceAll(/\d+([.,]\d+)*/g, "0");
}

async function start(scope) {
  const site = await Standalone.start(scope);
  await fillList(site);
  return site;
}

topic("Languages and colours", start, (rule) => {
  for (const [language, tag, files] of [["pt-BR", "pt-BR", "Arquivos"], ["pt-PT", "pt-BR", "Arquivos"], ["en-US", "en", "Files"], ["de-DE", "en", "Files"]]) {
    rule(`a browser that asks for ${language} gets ${tag}`, async ({ visit }) => {
      const page = await (await visit({ language })).open();
      await heading(page, files).waitFor();
      assert.equal(await page.locator("html").getAttribute("lang"), tag);
    });
  }

  rule("the language is switched without loading anew, and kept", async ({ visit }) => {
    const visitor = await visit();
    const page = await visitor.open();
    await heading(page, "Files").waitFor();
    await file(page, "file 1.txt").waitFor();
    await page.evaluate(() => { window.same = true; });
    await page.getByRole("link", { name: "Português" }).click();
    await heading(page, "Arquivos").waitFor();
    assert.equal(await page.evaluate(() => window.same), true);
    assert.equal(await page.locator("html").getAttribute("lang"), "pt-BR");
    await page.reload();
    await heading(page, "Arquivos").waitFor();
    await page.getByRole("link", { name: "English" }).click();
    await heading(page, "Files").waitFor();
    await heading(await visitor.open(), "Files").waitFor();
  });

  rule("no word stays behind when the language is switched", async ({ visit }) => {
    const native = await (await visit({ language: "pt-BR" })).open();
    const switched = await (await visit({ language: "en-GB" })).open();
    await file(switched, "file 1.txt").waitFor();
    await switched.getByRole("link", { name: "Português" }).click();
    await until("both pages say the same", async () => {
      const [one, other] = [await words(native), await words(switched)];
      return one === other;
    }).catch(async () => assert.equal(await words(switched), await words(native)));
  });

  rule("sizes and times are written as one writes them", async ({ site, visit }) => {
    await put(site, "one and a half.bin", Buffer.alloc(1_572_864));
    for (const [language, size, time] of [["en-GB", "1.5 MiB", "now"], ["pt-BR", "1,5 MiB", "agora"]]) {
      const page = await (await visit({ language })).open();
      await file(page, "one and a half.bin").getByText(size).waitFor();
      await file(page, "one and a half.bin").getByText(time).waitFor();
    }
  });

  rule("the page is light or dark as the visitor's system is", async ({ visit }) => {
    const brightness = async (dark) => {
      const page = await (await visit({ dark })).open();
      const colour = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
      return colour.match(/\d+/g).slice(0, 3).reduce((sum, value) => sum + Number(value), 0) / 3;
    };
    assert(await brightness(false) > 200);
    assert(await brightness(true) < 60);
  });
});
