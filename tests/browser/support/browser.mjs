// Debian's Chromium, and pages in it that are watched: whatever goes wrong in one, and was not expected, fails the test.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { installed } from "./paths.mjs";
import { PATIENCE_MS } from "./wait.mjs";

/** Said by the browser itself of what it asked for and did not get. */
export const NETWORK_TROUBLE = /Failed to load resource|net::ERR_/;

/** The one without windows first: it does the same with half of the work. */
function found() {
  const folders = process.env.PATH.split(":");
  const programs = ["chromium-headless-shell", "chromium"].flatMap((name) => folders.map((folder) => join(folder, name)));
  return programs.find((program) => existsSync(program)) ?? assert.fail("chromium-headless-shell and chromium are not installed; CHROMIUM may name one");
}

export function launchBrowser() {
  const { chromium } = installed("playwright-core");
  // Chromium refuses to isolate its processes from those of root.
  return chromium.launch({
    executablePath: process.env.CHROMIUM || found(),
    chromiumSandbox: process.getuid() !== 0,
    // A name that is no loopback address: there, over plain HTTP, a browser leaves out what it has for trusted sites only.
    args: ["--host-resolver-rules=MAP uploads.test 127.0.0.1"],
  });
}

/** What a visitor's browser is like. `script: "blocked"` is a browser that runs scripts and was given none; `host` is how it calls
 *  the site, and `through` what stands before that. */
const VISITOR = { language: "en-GB", dark: false, width: 1280, height: 900, script: true, still: false, host: "127.0.0.1", through: null };

/** Waits until what only scripts put there is there, and the list that came with the page has given way to the living one. */
export async function started(page) {
  await page.getByRole("button", { name: /^(Choose files|Escolher arquivos)$/ }).waitFor();
  await page.waitForFunction(() => document.querySelector("form[action$='/delete']") === null);
}

/** A browser of somebody: what it stores is shared by its windows, and by nobody else. */
export class Visitor {
  static async come(browser, site, like = {}) {
    const { language, dark, width, height, script, still, host, through } = { ...VISITOR, ...like };
    const context = await browser.newContext({
      baseURL: (through ?? site).url.replace("127.0.0.1", host),
      locale: language,
      timezoneId: "America/Sao_Paulo",
      viewport: { width, height },
      colorScheme: dark ? "dark" : "light",
      reducedMotion: still ? "reduce" : "no-preference",
      javaScriptEnabled: script !== false,
    });
    context.setDefaultTimeout(PATIENCE_MS);
    const visitor = new Visitor(context, script === true);
    await visitor.#watch();
    if (script === "blocked") await context.route(/\.js$/, (route) => route.fulfill({ contentType: "text/javascript", body: "" }));
    return visitor;
  }

  #hasScripts;
  #expected = [];
  #troubles = [];
  /** What was expected, and happened. */
  met = [];

  constructor(context, hasScripts) {
    this.context = context;
    this.#hasScripts = hasScripts;
  }

  /** Opens the page in a window, and waits until its scripts have started. */
  async open(path = "/") {
    const page = await this.context.newPage();
    // Asks for the browser's window to be told of, from the beginning: a key may open it before that has come about.
    page.on("filechooser", () => {});
    const answer = await page.goto(path);
    assert(answer.ok(), `${path}: ${answer.status()}`);
    if (this.#hasScripts) await started(page);
    return page;
  }

  /** From now on this may happen. */
  expect(...patterns) {
    this.#expected.push(...patterns);
  }

  assertUntroubled() {
    assert.deepEqual(this.#troubles, [], "the page has trouble");
  }

  #trouble(text) {
    const expected = this.#expected.some((pattern) => pattern.test(text));
    (expected ? this.met : this.#troubles).push(text);
  }

  async #watch() {
    await this.context.exposeBinding("tellViolation", (_, text) => this.#trouble(text));
    await this.context.addInitScript(() => {
      document.addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI, sourceFile }) => {
        window.tellViolation(`Content-Security-Policy: ${violatedDirective} ${blockedURI} ${sourceFile}`);
      });
    });
    this.context.on("weberror", (error) => this.#trouble(`${error.error().stack}`));
    this.context.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) this.#trouble(`${message.text()} (${message.location().url})`);
    });
    this.context.on("requestfailed", (request) => {
      const reason = request.failure().errorText;
      // Taken back by who asked: somebody paused, typed on, or went away.
      if (reason !== "net::ERR_ABORTED") this.#trouble(`${reason} ${request.method()} ${request.url()}`);
    });
  }
}
