// Another client than the page.

import assert from "node:assert/strict";

async function ask(site, path, options) {
  const answer = await fetch(site.url + path, options);
  if (!answer.ok) throw new Error(`${options?.method ?? "GET"} ${path}: ${answer.status} ${await answer.text()}`);
  return answer;
}

const json = async (...asked) => (await ask(...asked)).json();

/** Stores a file, and returns its record. */
export async function put(site, name, body) {
  const { uploads } = await json(site, `/api/uploads/${encodeURIComponent(name)}`, { method: "PUT", body });
  return uploads[0];
}

export const record = (site, id) => json(site, `/api/uploads/${id}`);

export const remove = (site, id) => ask(site, `/api/uploads/${id}`, { method: "DELETE" });

export const replicas = async (site) => (await json(site, "/api/replicas")).replicas;

/** The records of the files that are called so. */
export async function called(site, name) {
  const { uploads } = await json(site, `/api/uploads?limit=100&q=${encodeURIComponent(name)}`);
  return uploads.filter((upload) => upload.filename === name);
}

/** Whether the file is stored; what was removed is gone, not unknown. */
export async function isStored(site, id) {
  const { status } = await fetch(`${site.url}/api/uploads/${id}`);
  assert(status === 200 || status === 410, `${id}: ${status}`);
  return status === 200;
}

/** Where an upload stands, as any tus client asks it. */
export async function offset(site, path) {
  const answer = await ask(site, path, { method: "HEAD", headers: { "Tus-Resumable": "1.0.0" } });
  return Number(answer.headers.get("Upload-Offset"));
}
