// Runs test files, two at a time: they wait more than they work. scripts/test-browser.sh names them.

import { run } from "node:test";
import { resolve } from "node:path";
import report from "./support/reporter.mjs";

const files = process.argv.slice(2).map((file) => resolve(file));
const events = run({ files, concurrency: 2 });
events.on("test:fail", () => { process.exitCode = 1; });
events.compose(report).pipe(process.stdout);
