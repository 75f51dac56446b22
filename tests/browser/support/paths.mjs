// Where things are.

import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

const ROOT = new URL("../../../", import.meta.url);

/** A path in the repository. */
export const inRepository = (path) => fileURLToPath(new URL(path, ROOT));

/** Loads what scripts/test-browser.sh has installed. */
export const installed = createRequire(new URL("target/test-browser/", ROOT));

/** The program under test. */
export function program() {
  const path = process.env.SWARM_UPLOAD_BIN;
  if (!path) throw new Error("SWARM_UPLOAD_BIN names no program; scripts/test-browser.sh builds one");
  return path;
}
