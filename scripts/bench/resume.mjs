// Sends a file by tus-js-client, with its default delays. usage: resume.mjs ENDPOINT FILE PATCH (bytes in a PATCH; 0: all)
import { createReadStream, statSync } from "node:fs";
import { createRequire } from "node:module";

const { Upload } = createRequire(`${process.env.WORK}/npm/package.json`)("tus-js-client");
const [endpoint, file, patch] = process.argv.slice(2);
const begun = performance.now();
let retries = 0;

const upload = new Upload(createReadStream(file), {
  endpoint,
  uploadSize: statSync(file).size,
  chunkSize: Number(patch) || Infinity,
  metadata: { filename: "resume.bin" },
  onShouldRetry() {
    retries += 1;
    return true;
  },
  onError(problem) {
    console.error(String(problem));
    process.exit(1);
  },
  onSuccess() {
    const seconds = (performance.now() - begun) / 1000;
    console.log(JSON.stringify({ seconds, retries, path: new URL(upload.url).pathname }));
    process.exit(0);
  },
});
upload.start();
