// A server of @tus/server over a folder, as its documentation shows it.
import http from "node:http";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const { DATA, PORT, WORK } = process.env;
const { resolve } = createRequire(`${WORK}/npm/package.json`);
const { Server } = await import(pathToFileURL(resolve("@tus/server")));
const { FileStore } = await import(pathToFileURL(resolve("@tus/file-store")));

// A client that closes its connection after a GET ends the process (2.4.5 on Node.js 20): this error, and no other, is passed over,
// so that the rest can be measured.
process.on("uncaughtException", (problem) => {
  if (problem.code !== "ERR_INVALID_STATE") {
    console.error(problem);
    process.exit(1);
  }
});

const tus = new Server({ path: "/files", datastore: new FileStore({ directory: DATA }) });
const server = http.createServer((request, response) => {
  if (request.url === "/health") response.end("ok");
  else tus.handle(request, response);
});
server.listen(Number(PORT), "127.0.0.1", 2048);
