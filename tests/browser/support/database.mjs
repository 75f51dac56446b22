// An empty PostgreSQL database of its own for each cluster, on the server of the test run.

import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { delimiter } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { inRepository } from "./paths.mjs";

const run = promisify(execFile);
let databases = 0;
let server;

/** Returns its URL; it is dropped with the scope. */
export async function createDatabase(scope) {
  const name = `browser_${process.pid}_${databases++}`;
  await execute(`CREATE DATABASE ${name}`);
  scope.defer(() => execute(`DROP DATABASE ${name} WITH (FORCE)`));
  const url = new URL(await serverUrl());
  url.pathname = `/${name}`;
  return url.href;
}

async function execute(statement) {
  const PATH = [process.env.PG_BIN, process.env.PATH].filter(Boolean).join(delimiter);
  const command = ["--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1", "--dbname", await serverUrl(), "--command", statement];
  await run("psql", command, { env: { ...process.env, PATH } });
}

function serverUrl() {
  server ??= process.env.SWARM_UPLOAD_TEST_DATABASE_URL ?? startServer();
  return server;
}

/** One that ends when its input does, and that is when this process ends. */
async function startServer() {
  const child = spawn(inRepository("scripts/test-postgres.sh"), { stdio: ["pipe", "pipe", "inherit"] });
  const [url] = await once(createInterface({ input: child.stdout }), "line");
  for (const handle of [child, child.stdin, child.stdout]) handle.unref();
  return url;
}
