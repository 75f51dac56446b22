// What files hold: bytes that look random, are the same each time, and compress to nothing less.

import { createCipheriv, createHash } from "node:crypto";
import { open } from "node:fs/promises";
import { join } from "node:path";

const PIECE = 1 << 20;

function* pieces(seed, size) {
  const cipher = createCipheriv("aes-128-ctr", Buffer.alloc(16, seed), Buffer.alloc(16));
  const zeros = Buffer.alloc(PIECE);
  for (let left = size; left > 0; left -= PIECE) yield cipher.update(zeros.subarray(0, Math.min(left, PIECE)));
}

export const content = (seed, size) => Buffer.concat([...pieces(seed, size)]);

export const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");

/** Writes a file and returns what is known of it. */
export async function writeContent(folder, name, seed, size) {
  const path = join(folder, name);
  const hash = createHash("sha256");
  const file = await open(path, "w");
  for (const piece of pieces(seed, size)) {
    hash.update(piece);
    await file.write(piece);
  }
  await file.close();
  return { path, name, size, sha256: hash.digest("hex") };
}
