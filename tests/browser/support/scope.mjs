// Whatever a test starts ends with it, the newest first, whether it went well or not.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

export class Scope {
  #ends = [];

  /** Calls `end` when the scope ends. */
  defer(end) {
    this.#ends.push(end);
  }

  /** A folder that goes with the scope. */
  async folder() {
    const path = await mkdtemp(join(tmpdir(), "swarm-upload-browser."));
    this.defer(() => rm(path, { recursive: true, force: true }));
    return path;
  }

  /** Each end is come to, even if one fails; the first failure is told. */
  async end() {
    const failures = [];
    for (const end of this.#ends.splice(0).reverse()) {
      try {
        await end();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }
}
