// The page as a whole: small, from nowhere else, and still itself while the service is being updated.

import assert from "node:assert/strict";
import { put } from "./support/api.mjs";
import { NETWORK_TROUBLE, started } from "./support/browser.mjs";
import { file, nameOf } from "./support/page.mjs";
import { Standalone } from "./support/site.mjs";
import { topic } from "./support/topic.mjs";
import { until } from "./support/wait.mjs";

const LARGEST_PAGE = 100_000;

/** Whether a visitor can do something: scripts have started, and the list is there. */
async function lives(page) {
  await started(page);
  await file(page, "here.txt").waitFor();
}

async function start(scope) {
  const site = await Standalone.start(scope);
  await put(site, "here.txt", "x");
  return site;
}

topic("The whole page", start, (rule) => {
  rule("everything that it loads is small, and from here", async ({ site, visit }) => {
    const visitor = await visit();
    const answers = [];
    visitor.context.on("response", (answer) => answers.push(answer));
    const page = await visitor.open();
    await lives(page);
    await nameOf(page, "here.txt").click();
    await page.getByRole("dialog").waitFor();
    const own = answers.filter((answer) => !new URL(answer.url()).pathname.startsWith("/api/"));
    const sizes = await Promise.all(own.map(async (answer) => (await answer.body()).length));
    assert(own.length > 10);
    const sum = sizes.reduce((all, size) => all + size);
    assert(sum < LARGEST_PAGE, `${sum} bytes in ${own.map((answer) => answer.url()).join(" ")}`);
    await page.keyboard.press("Escape");
    await page.getByRole("link", { name: "Português" }).click();
    await page.getByRole("heading", { name: "Arquivos", exact: true }).waitFor();
    for (const answer of answers) assert.equal(new URL(answer.url()).origin, site.url);
  });

  rule("nothing of it may be inline or from elsewhere", async ({ site, visit }) => {
    const policy = (await fetch(site.url)).headers.get("Content-Security-Policy");
    assert.match(policy, /default-src 'self'/);
    assert.doesNotMatch(policy, /unsafe|\*|data:|https?:/);
    const visitor = await visit();
    const page = await visitor.open();
    await lives(page);
    // Every test fails in which something of the kind is tried. That it would be seen is seen here.
    visitor.expect(/Content.Security.Policy/);
    await page.evaluate(() => {
      const script = document.createElement("script");
      script.textContent = "window.ran = true";
      document.body.append(script);
    });
    await until("it is seen by event and in the console", () => visitor.met.length >= 2);
    assert.equal(await page.evaluate(() => window.ran), undefined);
  });

  for (const name of ["main.js", "dom.js", "strings/en.json", "style.css"]) {
    rule(`a frontend of another version does not know ${name}: the page loads itself anew`, async ({ visit }) => {
      const visitor = await visit();
      visitor.expect(NETWORK_TROUBLE, /words of en|Failed to load/);
      const page = await visitor.context.newPage();
      let asked = 0;
      await page.route(`**/ui/*/${name}`, (route) => ((asked += 1) === 1 ? route.fulfill({ status: 404, body: "" }) : route.continue()));
      await page.goto("/");
      await until(`${name} is asked for again`, () => asked > 1);
      await lives(page);
    });
  }

  rule("a page whose files stay away does not load itself for ever", async ({ visit }) => {
    const visitor = await visit();
    visitor.expect(NETWORK_TROUBLE);
    const page = await visitor.context.newPage();
    await page.clock.install();
    let loads = 0;
    page.on("framenavigated", () => { loads += 1; });
    await page.route("**/ui/*/main.js", (route) => route.fulfill({ status: 404, body: "" }));
    await page.goto("/");
    const LOADS = 20;
    for (let turn = 0; turn < LOADS; turn += 1) {
      await page.waitForLoadState();
      await page.clock.fastForward(5000);
    }
    assert(loads > 1 && loads < LOADS, `${loads}`);
    // What works without scripts still does.
    await page.getByRole("link", { name: "here.txt" }).waitFor();
  });
});
