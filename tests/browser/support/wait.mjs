// Waiting for what a test cannot be told of: it looks again and again, for as long as a busy machine may need.

import { setTimeout as sleep } from "node:timers/promises";

const PAUSE_MS = 25;
/** Longer than anything takes on a machine that does other things, too. */
export const PATIENCE_MS = 20_000;

/** Waits until `probe` returns something true, and returns that. */
export async function until(what, probe, patience = PATIENCE_MS) {
  const end = Date.now() + patience;
  for (;;) {
    const found = await probe();
    if (found) return found;
    if (Date.now() > end) throw new Error(`not after ${patience} ms: ${what}`);
    await sleep(PAUSE_MS);
  }
}
