// What is sent arrives, whatever dies meanwhile: replicas, the whole service, the network, the browser.

import assert from "node:assert/strict";
import { offset, record, replicas } from "./support/api.mjs";
import { NETWORK_TROUBLE } from "./support/browser.mjs";
import { writeContent } from "./support/content.mjs";
import { choose, goes, network, progress, requests, stored, upload } from "./support/page.mjs";
import { startRelay } from "./support/relay.mjs";
import { Cluster, Standalone } from "./support/site.mjs";
import { topic } from "./support/topic.mjs";
import { until } from "./support/wait.mjs";

const MIB = 1 << 20;
const LARGE = 200 * MIB;
const SLOW = { up: 4 * MIB };

/** The upload is in the middle: a part is sent, a part is not. */
async function middle(page, name) {
  await until("the upload is in its middle", async () => await progress(page, name) > 0.3);
  assert(await progress(page, name) < 0.9);
}

/** Waits until the page has stored the file by itself, and returns its record. */
async function ends(site, page, file) {
  await stored(page, file.name);
  const link = upload(page, file.name).getByRole("link", { name: file.name });
  await link.waitFor();
  const stand = await record(site, (await link.getAttribute("href")).split("/")[3]);
  assert.deepEqual([stand.size_bytes, stand.sha256], [file.size, file.sha256]);
  await upload(page, file.name).getByText(file.sha256).waitFor();
  return stand;
}

/** Begins an upload, and returns its path. */
async function begin(page, file) {
  const created = page.waitForResponse((answer) => answer.request().method() === "POST");
  await choose(page, file);
  return (await created).headerValue("Location");
}

/** Closes the page in the middle of an upload, and returns that one's path. */
async function leave(visitor, file) {
  const page = await visitor.open();
  await network(page, SLOW);
  const path = await begin(page, file);
  await middle(page, file.name);
  await page.close();
  return path;
}

/** From where each request has sent. */
const origins = (parts) => Promise.all(parts.map(async (part) => Number(await part.headerValue("Upload-Offset"))));

topic("Replicas die under an upload", (scope) => Cluster.start(scope), (rule) => {
  rule("a backend is killed in the middle of 200 MB: nobody notices", async ({ site, scope, visit }) => {
    const file = await writeContent(await scope.folder(), "over a dead backend.bin", 1, LARGE);
    const page = await (await visit()).open();
    const parts = requests(page, "PATCH");
    const path = await begin(page, file);
    await middle(page, file.name);
    const victim = await until("a backend has taken a part", async () => {
      const taken = (await record(site, path.split("/").pop())).segments.at(-1);
      return site.backends.find(({ container }) => container === taken?.backend_container_id);
    });
    await victim.kill();
    const { segments } = await ends(site, page, file);
    assert.equal(parts.length, 1);
    assert(segments.some(({ backend_container_id: id }) => id !== victim.container), "nobody else took a part");
    site.backends[site.backends.indexOf(victim)] = await site.restart(victim);
  });

  rule("the frontend is killed through which 200 MB go: they go on through another", async ({ site, scope, visit }) => {
    const file = await writeContent(await scope.folder(), "over a dead frontend.bin", 2, LARGE);
    const visitor = await visit();
    visitor.expect(NETWORK_TROUBLE);
    const page = await visitor.open();
    const parts = requests(page, "PATCH");
    const before = new Map((await replicas(site)).map((replica) => [replica.container_id, replica.bytes_in]));
    await choose(page, file);
    await middle(page, file.name);
    const victim = await until("it is known who takes them", async () => {
      const taken = (await replicas(site)).filter(({ role, container_id: id, bytes_in: bytes }) => role === "frontend" && bytes - before.get(id) > 10 * MIB);
      return site.frontends.find(({ container }) => container === taken[0]?.container_id);
    });
    await victim.kill();
    const { segments } = await ends(site, page, file);
    assert((await origins(parts)).at(-1) > 0, "it began anew");
    assert.equal(new Set(segments.map((segment) => segment.frontend_container_id)).size, 2);
    site.frontends[site.frontends.indexOf(victim)] = await site.restart(victim);
  });
});

topic("The way to the service is lost", (scope) => Standalone.start(scope), (rule) => {
  rule("the whole service dies and comes back: the upload goes on by itself", async ({ site, scope, visit }) => {
    const file = await writeContent(await scope.folder(), "over a dead service.bin", 3, 24 * MIB);
    const visitor = await visit();
    visitor.expect(NETWORK_TROUBLE);
    const page = await visitor.open();
    await network(page, SLOW);
    const parts = requests(page, "PATCH");
    await choose(page, file);
    await middle(page, file.name);
    await site.kill();
    await upload(page, file.name).getByText(/Lost the connection|Connecting/).waitFor();
    await page.getByText("No connection. Trying again…").waitFor();
    await site.restart();
    await network(page);
    await ends(site, page, file);
    assert((await origins(parts)).at(-1) > 0, "it began anew");
    await goes(page.getByText("No connection. Trying again…"));
  });

  rule("without a network it waits, and goes on when there is one again", async ({ site, scope, visit }) => {
    const file = await writeContent(await scope.folder(), "offline.bin", 4, 24 * MIB);
    const cable = await startRelay(scope, site);
    const visitor = await visit({ through: cable });
    visitor.expect(NETWORK_TROUBLE);
    const page = await visitor.open();
    await network(page, SLOW);
    const parts = requests(page, "PATCH");
    await choose(page, file);
    await middle(page, file.name);
    cable.cut();
    await visitor.context.setOffline(true);
    await upload(page, file.name).getByText(/Lost the connection|Connecting/).waitFor();
    await page.getByText("No connection. Trying again…").waitFor();
    cable.mend();
    await network(page);
    await visitor.context.setOffline(false);
    await ends(site, page, file);
    assert((await origins(parts)).at(-1) > 0, "it began anew");
    await goes(page.getByText("No connection. Trying again…"));
  });

  rule("the browser is closed: the same file goes on where the service has it, and nothing is sent twice", async ({ site, scope, visit }) => {
    const file = await writeContent(await scope.folder(), "closed.bin", 5, 24 * MIB);
    const visitor = await visit();
    const path = await leave(visitor, file);
    const page = await visitor.open();
    await upload(page, file.name).getByText(/choose it again/).waitFor();
    const parts = requests(page, "PATCH");
    // What arrives last may be stored after the page has gone.
    const stands = await until("the service has what arrived", async () => {
      const once = await offset(site, path);
      return once === await offset(site, path) && once;
    });
    assert(stands > 0 && stands < file.size, `${stands}`);
    await choose(page, file);
    await ends(site, page, file);
    assert.equal(parts.length, 1);
    const [from] = await origins(parts);
    assert(from >= stands, `sent from ${from}, though ${stands} were there`);
  });

  rule("what was left unfinished can be discarded", async ({ site, scope, visit }) => {
    const file = await writeContent(await scope.folder(), "discarded.bin", 6, 24 * MIB);
    const visitor = await visit();
    const path = await leave(visitor, file);
    const page = await visitor.open();
    await upload(page, file.name).getByRole("button", { name: /^Discard/ }).click();
    await goes(upload(page, file.name));
    await until("it is gone", async () => (await fetch(`${site.url}${path}`, { method: "HEAD", headers: { "Tus-Resumable": "1.0.0" } })).status === 410);
    assert.equal(await upload(await visitor.open(), file.name).count(), 0);
  });

  rule("what a window has left unfinished is shown in the next one, though the first may take a moment to let go", async ({ scope, visit }) => {
    const file = await writeContent(await scope.folder(), "left.bin", 8, 24 * MIB);
    const visitor = await visit();
    await leave(visitor, file);
    const first = await visitor.open();
    await upload(first, file.name).waitFor();
    await first.evaluate(async () => {
      const [key] = Object.keys(localStorage).filter((each) => each.startsWith("swarm-upload.sending."));
      await new Promise((held) => {
        navigator.locks.request(key.replace("swarm-upload.sending.", "swarm-upload "), () => new Promise((resolve) => {
          window.letGo = resolve;
          held();
        }));
      });
    });
    const second = await visitor.open();
    assert.equal(await upload(second, file.name).count(), 0);
    await first.evaluate(() => window.letGo());
    await upload(second, file.name).getByText(/choose it again/).waitFor();
  });

  rule("two windows do not send the same file at once", async ({ site, scope, visit }) => {
    const file = await writeContent(await scope.folder(), "two windows.bin", 7, 24 * MIB);
    const visitor = await visit();
    const [first, second] = [await visitor.open(), await visitor.open()];
    await network(first, SLOW);
    await choose(first, file);
    await middle(first, file.name);
    const parts = requests(second, "PATCH");
    await choose(second, file);
    await upload(second, file.name).getByText("Another tab is sending this file").waitFor();
    await network(first);
    await ends(site, first, file);
    await stored(second, file.name);
    assert.equal(parts.length, 0);
  });
});
