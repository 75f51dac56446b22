// For everybody: axe-core finds nothing in any view, all is done by keyboard, and small screens show all of it.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { called, isStored, put } from "./support/api.mjs";
import { content, writeContent } from "./support/content.mjs";
import { cluster, file, goes, nameOf, stored, tabTo, undo } from "./support/page.mjs";
import { installed } from "./support/paths.mjs";
import { Standalone } from "./support/site.mjs";
import { topic } from "./support/topic.mjs";
import { LONG_NAME, eachView, fillList } from "./support/views.mjs";
import { until } from "./support/wait.mjs";

const AXE = await readFile(installed.resolve("axe-core/axe.min.js"), "utf8");

/** Waits until what fades in has done so: half of it is half as easy to read. What moves for ever does not count. */
const settled = (page) => page.evaluate(() => Promise.allSettled(document.getAnimations()
  .filter(({ effect }) => effect.getComputedTiming().endTime !== Infinity).map(({ finished }) => finished)));

/** What axe-core finds, in few words. */
async function findings(page) {
  await settled(page);
  await page.evaluate(`window.axe ?? (() => { ${AXE} })()`);
  const { violations, passes } = await page.evaluate(() => window.axe.run());
  assert(passes.length > 10, "axe-core looked at next to nothing");
  return violations.flatMap(({ id, nodes }) => nodes.map(({ html, any, all, none }) => `${id}: ${html} ${[...any, ...all, ...none].map(({ message }) => message)}`));
}

async function assertFits(page, view) {
  const wide = await page.evaluate(() => [document.documentElement, ...document.querySelectorAll("dialog[open]")]
    .map(({ scrollWidth, clientWidth }) => scrollWidth - clientWidth));
  assert(wide.every((more) => more <= 0), `${view}: wider than the screen by ${wide}`);
}

async function examine(page, view) {
  const size = page.viewportSize();
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme });
    assert.deepEqual(await findings(page), [], `${view}, ${colorScheme}`);
  }
  await page.setViewportSize({ width: 320, height: 640 });
  await assertFits(page, view);
  await page.setViewportSize(size);
}

async function start(scope) {
  const site = await Standalone.start(scope);
  await fillList(site);
  return site;
}

topic("For everybody", start, (rule) => {
  for (const language of ["en-GB", "pt-BR"]) {
    rule(`axe-core finds nothing in any view, light or dark, and none is wider than a screen of 320 pixels (${language})`, async ({ scope, visit }) => {
      const page = await (await visit({ language })).open();
      await eachView(page, scope, (view) => examine(page, view));
    });

    rule(`axe-core finds nothing without JavaScript, and nothing is wider than a screen of 320 pixels (${language})`, async ({ visit }) => {
      const visitor = await visit({ language, script: "blocked" });
      for (const path of ["/", "/?q=no-such-file"]) await examine(await visitor.open(path), path);
    });
  }

  rule("all of it is there from the beginning on a screen of 320 pixels", async ({ visit }) => {
    const page = await (await visit({ width: 320, height: 640 })).open();
    await file(page, LONG_NAME).waitFor();
    await assertFits(page, "the page as it comes");
    await cluster(page).getByRole("heading", { name: "Cluster" }).click();
    await cluster(page).getByRole("button", { name: "Send" }).waitFor();
    await assertFits(page, "with the cluster");
  });

  rule("a file is sent, deleted and brought back by keyboard alone", async ({ site, scope, visit }) => {
    const sent = await writeContent(await scope.folder(), "by keyboard.txt", 1, 10_000);
    const page = await (await visit()).open("/?q=keyboard");
    await tabTo(page, page.getByRole("button", { name: "Choose files" }));
    const [window] = await Promise.all([page.waitForEvent("filechooser"), page.keyboard.press("Enter")]);
    await window.setFiles(sent.path);
    await stored(page, sent.name);
    await file(page, sent.name).waitFor();
    const [{ id }] = await called(site, sent.name);
    for (const way of ["button", "key"]) {
      await tabTo(page, page.getByRole("button", { name: `Delete ${sent.name}` }));
      await page.keyboard.press("Enter");
      await goes(file(page, sent.name));
      if (way === "key") await page.keyboard.press("Control+z");
      else {
        await tabTo(page, undo(page));
        await page.keyboard.press("Enter");
      }
      await file(page, sent.name).waitFor();
      assert(await isStored(site, id));
    }
  });

  rule("details are opened, read and closed by keyboard, and the focus comes back", async ({ visit }) => {
    const page = await (await visit()).open();
    const link = nameOf(page, "file 2.txt");
    await link.waitFor();
    await tabTo(page, link);
    await page.keyboard.press("Enter");
    const dialog = page.getByRole("dialog", { name: "file 2.txt" });
    await dialog.waitFor();
    for (let step = 0; step < 20; step += 1) {
      await page.keyboard.press("Tab");
      assert(await page.evaluate(() => document.activeElement === document.body || document.activeElement.closest("dialog") !== null), "the focus left the dialog");
    }
    await tabTo(page, dialog.getByRole("button", { name: "Close" }).last());
    await page.keyboard.press("Enter");
    await goes(dialog);
    assert(await link.evaluate((element) => element === document.activeElement));
  });

  rule("the focus is not lost when the row that has it goes", async ({ site, visit }) => {
    for (const number of [1, 2, 3]) await put(site, `focus ${number}`, "x");
    const page = await (await visit()).open("/?q=focus");
    const button = (number) => page.getByRole("button", { name: `Delete focus ${number}` });
    await button(2).waitFor();
    await tabTo(page, button(2));
    await page.keyboard.press("Enter");
    await goes(file(page, "focus 2"));
    assert(await button(1).evaluate((element) => element === document.activeElement), "not on the row that took its place");
  });

  rule("the skip link leads to the files", async ({ visit }) => {
    const page = await (await visit()).open();
    await page.keyboard.press("Tab");
    const link = page.getByRole("link", { name: "Go to the files" });
    assert(await link.evaluate((element) => element === document.activeElement));
    await page.keyboard.press("Enter");
    await until("the files have the focus", () => page.getByRole("region", { name: "Files", exact: true }).evaluate((element) => element === document.activeElement));
  });

  rule("what happens is said to those who do not see it", async ({ scope, visit }) => {
    const sent = await writeContent(await scope.folder(), "said.txt", 2, 100);
    const page = await (await visit()).open();
    const said = page.getByRole("status").filter({ hasText: /./ });
    const [window] = await Promise.all([page.waitForEvent("filechooser"), page.getByRole("button", { name: "Choose files" }).click()]);
    await window.setFiles(sent.path);
    await said.filter({ hasText: "said.txt is stored" }).first().waitFor();
    await page.getByRole("searchbox").fill("said.txt");
    await said.filter({ hasText: "1 file" }).first().waitFor();
    await page.getByRole("searchbox").fill("");
    await file(page, "file 1.txt").waitFor();
    await page.getByRole("button", { name: "Delete said.txt" }).click();
    await said.filter({ hasText: "Deleted said.txt. Undo" }).first().waitFor();
  });

  rule("who wants no motion gets none", async ({ site, scope, visit }) => {
    const sent = await writeContent(await scope.folder(), "motion.bin", 3, 1 << 20);
    const moved = async (still) => {
      const page = await (await visit({ still })).open();
        await page.evaluate(() => {
        window.moved = [];
        const note = () => {
          window.moved.push(...document.getAnimations().map(({ animationName, transitionProperty }) => animationName ?? transitionProperty));
          requestAnimationFrame(note);
        };
        note();
      });
      await put(site, `motion ${still}`, content(4, 100));
      await file(page, `motion ${still}`).waitFor();
      const [window] = await Promise.all([page.waitForEvent("filechooser"), page.getByRole("button", { name: "Choose files" }).click()]);
      await window.setFiles(sent.path);
      await stored(page, sent.name);
      return page.evaluate(() => window.moved);
    };
    assert((await moved(false)).length > 0);
    assert.deepEqual(await moved(true), []);
  });
});
