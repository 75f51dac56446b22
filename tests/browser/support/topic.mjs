// How tests are written: a topic has a site and a browser, a rule has windows of its own in it.

import { mkdir, writeFile } from "node:fs/promises";
import { after, before, describe, it } from "node:test";
import { launchBrowser, Visitor } from "./browser.mjs";
import { inRepository } from "./paths.mjs";
import { Scope } from "./scope.mjs";

const FAILURES = inRepository("target/test-browser/failures");
const TIMEOUT_MS = 120_000;
/** Of what each program has said last. */
const LINES = 5;

/** Runs rules, one after the other, over what `start` starts. `write` is called with `rule(name, run)`; a rule is run with the
 *  `site`, with a `scope` that ends with it, and with `visit(like)`, which brings a `Visitor`. */
export function topic(name, start, write) {
  describe(name, () => {
    const lasting = new Scope();
    let browser, site;
    before(async () => {
      browser = await launchBrowser();
      lasting.defer(() => browser.close());
      site = await start(lasting);
    }, { timeout: TIMEOUT_MS });
    after(() => lasting.end());
    write((rule, run) => it(rule, { timeout: TIMEOUT_MS }, () => obey(rule, browser, site, run)));
  });
}

async function obey(rule, browser, site, run) {
  const scope = new Scope();
  const visitors = [];
  const visit = async (like) => {
    const visitor = await Visitor.come(browser, site, like);
    visitors.push(visitor);
    scope.defer(() => visitor.context.close());
    return visitor;
  };
  try {
    await run({ site, scope, visit });
    for (const visitor of visitors) visitor.assertUntroubled();
  } catch (error) {
    console.error(await evidence(rule, site, visitors));
    throw error;
  } finally {
    await scope.end();
  }
}

/** What the windows show when a rule is broken, as pictures, and what the programs have said, which is printed in part. */
async function evidence(rule, site, visitors) {
  await mkdir(FAILURES, { recursive: true });
  const path = `${FAILURES}/${rule.replaceAll(/\W+/g, "-")}`;
  const pages = visitors.flatMap((visitor) => visitor.context.pages());
  const pictures = await Promise.all(pages.map(async (page, number) => {
    const picture = `${path}-${number + 1}.png`;
    await page.screenshot({ path: picture, fullPage: true, timeout: 5000 }).catch(() => {});
    return picture;
  }));
  await writeFile(`${path}.log`, site.programs().map((program) => program.report()).join("\n"));
  const ends = site.programs().map((program) => program.report(LINES));
  return [...ends, `Seen: ${pictures.join(" ")}`, `Logs: ${path}.log`].join("\n");
}
