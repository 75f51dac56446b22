// The edge of the stack, a real nginx with the project's own configuration: a page has one origin, and frontends come and go.

import { chmod, readFile, writeFile } from "node:fs/promises";
import { once } from "node:events";
import { createServer } from "node:net";
import { join } from "node:path";
import { Process } from "./process.mjs";
import { inRepository } from "./paths.mjs";
import { until } from "./wait.mjs";

const ATTEMPTS = 5;
const LOWEST_PORT = 20_000, PORTS = 12_000;
const SERVER = "server tasks.frontend:8000 resolve max_fails=1 fail_timeout=2s;";

/** Starts it before these frontends, and returns its process with a `url`. */
export async function startNginx(scope, frontends) {
  const folder = await scope.folder();
  // If root starts it, its workers are somebody else.
  await chmod(folder, 0o755);
  for (let attempt = 1; ; attempt += 1) {
    const port = await freePort();
    const file = join(folder, "nginx.conf");
    await writeFile(file, await configuration(folder, port, frontends));
    // Ended, not killed, or its workers would live on.
    const command = ["nginx", "-g", "daemon off;", "-e", "stderr", "-p", folder, "-c", file];
    const nginx = new Process("nginx", command, { deathSignal: "TERM", env: process.env });
    scope.defer(() => { nginx.terminate(); return nginx.wait(); });
    nginx.url = `http://127.0.0.1:${port}`;
    if (await until("nginx answers or has ended", () => nginx.over ? "over" : answers(nginx)) !== "over") return nginx;
    // Somebody may have taken the port meanwhile.
    if (attempt === ATTEMPTS) throw new Error(nginx.report());
  }
}

async function answers(nginx) {
  const answer = await fetch(`${nginx.url}/nginx-health`).catch(() => null);
  await answer?.arrayBuffer();
  return answer?.ok;
}

/** A port that nobody has at this moment, and that the system gives to nobody who asks for any: it is for later. */
export async function freePort() {
  for (;;) {
    const server = createServer().listen(LOWEST_PORT + Math.floor(Math.random() * PORTS), "127.0.0.1");
    const free = await once(server, "listening").then(() => true, () => false);
    const port = server.address()?.port;
    if (!free) continue;
    server.close();
    await once(server, "close");
    return port;
  }
}

/** What must differ where there is no container for it, and no Docker that knows the frontends by name. */
async function configuration(folder, port, frontends) {
  const text = await readFile(inRepository("nginx/nginx.conf"), "utf8");
  const servers = frontends.map((frontend) => replaced(SERVER, "tasks.frontend:8000 resolve", new URL(frontend.url).host));
  return [
    ["/tmp/", `${folder}/`],
    ["/dev/stdout", `${folder}/access.log`],
    // Nobody else may share the port.
    ["listen 8080 reuseport", `listen 127.0.0.1:${port}`],
    // Names in an upstream are looked up since nginx 1.27.3, which is newer than that of many distributions.
    [SERVER, servers.join("\n        ")],
  ].reduce((all, [what, by]) => replaced(all, what, by), text);
}

function replaced(text, what, by) {
  if (!text.includes(what)) throw new Error(`nginx/nginx.conf has no ${what} any more, which tests replace`);
  return text.replaceAll(what, by);
}
