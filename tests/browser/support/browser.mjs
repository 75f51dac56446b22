// Debian's Chromium, and pages in it that are watched: whatever goes wrong in one, and was not expected, fails the test.

import assert from "node:assert/strict";
import { installed } from "./paths.mjs";
import { PATIENCE_MS } from "./wait.mjs";

/** Said by the browser itself of what it asked for and did not get. */
export const NETWORK_TROUBLE = /Failed to load resource|net::ERR_/;

/** What Debian calls it is a script that starts it; what Alpine and others have is called otherwise. */
const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";

export function launchBrowser() {
  const { chromium } = installed("playwright-core");
  // Chromium refuses to isolate its processes from those of root.
  return chromium.launch({ executablePath: CHROMIUM, chromiumSandbox: process.getuid() !== 0 });
}

/** What a visitor's browser is like. `script: "blocked"` is a browser that runs scripts and was given none. */
const VISITOR = { language: "en-GB", dark: false, width: 1280, height: 900, script: true, still: false };

/** A browser of somebody: what it stores is shared by its windows, and by nobody else. */
export class Visitor {
  static async come(browser, site, like = {}) {
    const { language, dark, width, height, script, still } = { ...VISITOR, ...like };
    const context = await browser.newContext({
      baseURL: site.url,
      locale: language,
      timezoneId: "America/Sao_Paulo",
      viewport: { width, height },
      colorScheme: dark ? "dark" : "light",
      reducedMotion: still ? "reduce" : "no-preference",
      javaScriptEnabled: script !== false,
    });
    context.setDefaultTimeout(PATIENCE_MS);
    const visitor = new Visitor(context);
    await visitor.#watch();
    if (script === "blocked") await context.route(/\.js$/, (route) => route.fulfill({ contentType: "text/javascript", body: "" }));
    return visitor;
  }

  #expected = [];
  #troubles = [];

  constructor(context) {
    this.context = context;
  }

  /** Opens the page in a window. */
  async open(path = "/") {
    const page = await this.context.newPage();
    await page.goto(path);
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
    if (!this.#expected.some((pattern) => pattern.test(text))) this.#troubles.push(text);
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
