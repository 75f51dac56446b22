// Takes pictures of the page while a cluster is busy. scripts/screenshots.sh runs it with the folder that they go to.

import { join } from "node:path";
import { put } from "./support/api.mjs";
import { launchBrowser, Visitor } from "./support/browser.mjs";
import { content, writeContent } from "./support/content.mjs";
import { choose, cluster, file, network, progress, stored } from "./support/page.mjs";
import { Scope } from "./support/scope.mjs";
import { Cluster } from "./support/site.mjs";
import { until } from "./support/wait.mjs";

const MIB = 1 << 20;
const STORED = [
  ["minutes of the meeting.md", 0.01], ["harbour at night.jpg", 3.4], ["field recordings.flac", 38], ["survey 2026.csv", 1.2],
  ["poster, third draft.pdf", 8.7], ["choir rehearsal.mp3", 11], ["index of letters.txt", 0.2],
];
const SENT = [["slides.pdf", 6], ["garden timelapse.mp4", 160], ["photographs of the archive.zip", 240], ["interview with the potter.wav", 90]];
const PICTURES = {
  "page.png": { language: "en-GB", width: 1440, height: 1200 },
  "page-pt-BR.png": { language: "pt-BR", dark: true, width: 360, height: 800 },
};
/** As many requests at once keep the cluster busy. */
const READERS = 6;

/** Asks the site for files and for who answers, until it is told to stop. */
function traffic(site, ids) {
  let over = false;
  const readers = Array.from({ length: READERS }, async (_, reader) => {
    for (let turn = 0; !over; turn += 1) {
      const path = turn % 4 === 0 ? `/api/uploads/${ids[(reader + turn) % ids.length]}/content` : "/frontend-info/";
      await (await fetch(site.url + path)).arrayBuffer();
    }
  });
  return async () => {
    over = true;
    await Promise.all(readers);
  };
}

async function take(browser, site, folder, path, like) {
  const visitor = await Visitor.come(browser, site, like);
  const page = await visitor.open();
  await network(page, { up: 24 * MIB });
  const files = await Promise.all(SENT.map(([name, size], seed) => writeContent(folder, name, seed, size * MIB)));
  await choose(page, ...files);
  await stored(page, SENT[0][0]);
  await until("three are under way", async () => (await Promise.all(SENT.slice(1).map(([name]) => progress(page, name)))).every((share) => share > 0.15));
  // On a narrow screen it is folded.
  if (await cluster(page).getByRole("list").first().isVisible()) await cluster(page).getByText(/[1-9]\d* req\/s/).first().waitFor();
  await file(page, STORED[0][0]).waitFor();
  await page.mouse.move(0, 0);
  await page.screenshot({ path });
  await visitor.context.close();
}

const scope = new Scope();
try {
  const browser = await launchBrowser();
  scope.defer(() => browser.close());
  const folder = await scope.folder();
  const site = await Cluster.start(scope, { backends: 4, frontends: 3, nodes: true });
  const ids = [];
  for (const [name, size] of STORED) ids.push((await put(site, name, content(size, Math.round(size * MIB)))).id);
  scope.defer(traffic(site, ids));
  for (const [name, like] of Object.entries(PICTURES)) await take(browser, site, folder, join(process.argv[2], name), like);
} finally {
  await scope.end();
}
