// The cluster on the screen: who is there, who comes, drains and dies, and who answers.

import assert from "node:assert/strict";
import { replicas } from "./support/api.mjs";
import { NETWORK_TROUBLE } from "./support/browser.mjs";
import { hold } from "./support/held.mjs";
import { cluster, goes } from "./support/page.mjs";
import { Cluster } from "./support/site.mjs";
import { topic } from "./support/topic.mjs";
import { until } from "./support/wait.mjs";

/** So long after the truth the page may show it: the one promise here that is about time. */
const SOON = { timeout: 2000 };

const tile = (page, { container }) => cluster(page).getByRole("listitem").filter({ hasText: container }).filter({ hasText: "req/s" });

const state = (page, replica, name) => tile(page, replica).getByText(name, { exact: true });

/** The youngest of each role. */
const lastOfEach = (site) => ["backend", "frontend"].map((role) => site.living().filter((one) => one.role === role).at(-1));

/** How many of the requests a replica has answered, as the plot says. */
async function answered(page, { container }) {
  const row = cluster(page).getByRole("listitem").filter({ hasText: container }).filter({ hasText: /· [\d.]+%$/ });
  return Number((await row.innerText()).match(/(\d+)\s*·/)[1]);
}

async function sendRequests(page, count) {
  await page.getByLabel("Send requests and see who answers").fill(`${count}`);
  await cluster(page).getByRole("button", { name: "Send" }).click();
}

async function openWith(visit, site) {
  const visitor = await visit();
  const page = await visitor.open();
  for (const replica of site.living()) await state(page, replica, "ready").waitFor();
  return { visitor, page };
}

topic("The cluster", (scope) => Cluster.start(scope, { nodes: true }), (rule) => {
  rule("each replica has a tile that says who and where it is", async ({ site, visit }) => {
    const { page } = await openWith(visit, site);
    await page.getByRole("heading", { name: "Backends 3", exact: true }).waitFor();
    await page.getByRole("heading", { name: "Frontends 2", exact: true }).waitFor();
    for (const replica of site.living()) {
      const told = (await replicas(site)).find((one) => one.container_id === replica.container);
      await tile(page, replica).getByText(new RegExp(`^${told.node} · slot ${told.task_slot} · ${told.version} · up \\d+ s`)).waitFor();
    }
  });

  rule("a backend that joins is seen within two seconds", async ({ site, visit }) => {
    const { page } = await openWith(visit, site);
    const backend = await site.joinBackend();
    await state(page, backend, "ready").waitFor(SOON);
    await cluster(page).getByText(`Backend ${backend.container} joined`).waitFor();
  });

  rule("a frontend that joins is seen within two seconds", async ({ site, visit }) => {
    const { page } = await openWith(visit, site);
    const frontend = await site.joinFrontend();
    await state(page, frontend, "ready").waitFor(SOON);
  });

  rule("replicas that drain are seen draining, and leaving, within two seconds", async ({ site, visit }) => {
    const { page } = await openWith(visit, site);
    await Promise.all(lastOfEach(site).map(async (replica) => {
      const held = await hold(replica, `held by ${replica.container}.bin`);
      replica.terminate();
      await state(page, replica, "draining").waitFor(SOON);
      assert.equal(await held.end(), 201);
      assert.equal(await replica.wait(), 0);
      await state(page, replica, "left").or(cluster(page).getByText(`${replica.container} has left`)).first().waitFor(SOON);
      await goes(tile(page, replica));
    }));
  });

  rule("replicas that are killed are seen silent within two seconds, and are forgotten", async ({ site, visit }) => {
    const { visitor, page } = await openWith(visit, site);
    visitor.expect(NETWORK_TROUBLE);
    await Promise.all(lastOfEach(site).map(async (replica) => {
      replica.signal("SIGKILL");
      await state(page, replica, "silent").waitFor(SOON);
      await goes(tile(page, replica));
      await site.restart(replica);
    }));
  });

  rule("the traffic of each replica is shown while there is some", async ({ site, visit }) => {
    const { page } = await openWith(visit, site);
    let over = false;
    // Several at once: nginx gives one alone to the frontend that does not tell this page what happens.
    const traffic = Array.from({ length: 4 }, async () => {
      while (!over) await (await fetch(`${site.url}/frontend-info/`)).arrayBuffer();
    });
    for (const replica of site.behindTheEdge()) await tile(page, replica).getByText(/[1-9][\d,.]* req\/s/).waitFor();
    over = true;
    await Promise.all(traffic);
  });

  rule("requests that are sent show who answers: everybody does", async ({ site, visit }) => {
    const { page } = await openWith(visit, site);
    await sendRequests(page, 60);
    await cluster(page).getByText(/^60 answered, 0 failed/).waitFor();
    for (const role of ["frontend", "backend"]) {
      const counts = await Promise.all(site.behindTheEdge().filter((one) => one.role === role).map((one) => answered(page, one)));
      assert.equal(counts.reduce((sum, count) => sum + count), 60);
      assert(counts.every((count) => count >= 10), `${role}s: ${counts}`);
    }
  });

  rule("two versions at once are told apart", async ({ site, visit }) => {
    const visitor = await visit();
    const page = await visitor.context.newPage();
    const all = await replicas(site);
    const updated = all.map((replica, number) => ({ ...replica, silent: false, version: number === 0 ? "9.9.9" : replica.version }));
    const told = { now: new Date().toISOString(), replicas: updated };
    await page.route("**/api/events*", (route) => route.fulfill({ contentType: "text/event-stream", body: `event: replicas\ndata: ${JSON.stringify(told)}\n\n` }));
    await page.goto("/");
    await cluster(page).getByText("9.9.9 × 1").waitFor();
    await cluster(page).getByText(`${all[0].version} × ${all.length - 1}`).waitFor();
    const stripe = (replica) => tile(page, { container: replica.container_id }).evaluate((element) => getComputedStyle(element).getPropertyValue("--version"));
    assert.notEqual(await stripe(updated[0]), await stripe(updated[1]));
  });

  rule("requests that fail are counted", async ({ site, visit }) => {
    const { visitor, page } = await openWith(visit, site);
    visitor.expect(NETWORK_TROUBLE);
    const frontends = site.living().filter(({ role }) => role === "frontend");
    await sendRequests(page, 1000);
    await cluster(page).getByText(/[1-9]\d* of 1,000 answered, 0 failed/).waitFor();
    await Promise.all(frontends.map((frontend) => frontend.kill()));
    await cluster(page).getByText(/[1-9][\d,]* failed, in/).waitFor();
    await page.getByText("No connection. Trying again…").waitFor();
    const total = (await cluster(page).getByText(/failed, in/).innerText()).match(/([\d,]+) answered, ([\d,]+) failed/);
    assert.equal(Number(total[1].replace(",", "")) + Number(total[2].replace(",", "")), 1000);
    for (const frontend of frontends) await site.restart(frontend);
    await goes(page.getByText("No connection. Trying again…"));
  });
});
