// The faces of the page, each brought about as a visitor would.

import { put } from "./api.mjs";
import { writeContent } from "./content.mjs";
import { choose, cluster, file, nameOf, network, progress, stored, undo, upload } from "./page.mjs";
import { until } from "./wait.mjs";

const MIB = 1 << 20;
/** Long, without a place to break it, and with letters of several scripts. */
export const LONG_NAME = `${"averylongname_".repeat(14)}日本語_العربية_ação.txt`;

/** What a list holds that shows most of what a list can. */
export async function fillList(site) {
  await put(site, LONG_NAME, "words ".repeat(100));
  await put(site, "in parts.bin", Buffer.alloc(24 * MIB, 7));
  for (let number = 0; number < 6; number += 1) await put(site, `file ${number}.txt`, `the words of file ${number}`);
}

/** Each view is told as it is on the screen, by `look(name)`. Words of English or Portuguese bring them about. */
export async function eachView(page, scope, look) {
  const folder = await scope.folder();
  await file(page, "file 1.txt").waitFor();
  await look("list");
  await page.getByRole("searchbox").fill("no such file at all");
  await page.getByText(/“no such file at all”/).first().waitFor();
  await look("nothing found");
  await page.getByRole("searchbox").fill("");
  await file(page, "file 1.txt").waitFor();
  await queue(page, folder, look);
  for (const name of ["file 1.txt", "in parts.bin"]) {
    await nameOf(page, name).click();
    await page.getByRole("dialog").getByRole("img").first().waitFor();
    await look(`details of ${name}`);
    await page.keyboard.press("Escape");
  }
  await page.getByRole("button", { name: /^(Delete|Excluir) file 1\.txt$/ }).click();
  // What has the focus is not taken away after a while.
  await undo(page).focus();
  await look("deleted, can be undone");
  await undo(page).click();
  const send = cluster(page).getByRole("button").last();
  if (!await send.isVisible()) {
    await look("cluster folded");
    await cluster(page).getByRole("heading", { name: "Cluster" }).click();
  }
  await send.click();
  await cluster(page).getByText(/^200 [a-z]+, 0 |^Respostas: 200, falhas: 0/).waitFor();
  await look("requests sent");
}

async function queue(page, folder, look) {
  const files = await Promise.all(["first", "second", `of_${LONG_NAME}`, "fourth", "fifth"].map((name, seed) => writeContent(folder, name, seed, 6 * MIB)));
  await network(page, { up: MIB });
  await choose(page, ...files);
  await until("some of it is sent", async () => await progress(page, "first") > 0.05);
  await upload(page, "first").getByRole("button", { name: /^(Pause|Pausar)/ }).click();
  await upload(page, "first").getByRole("button", { name: /^(Resume|Continuar|Retomar)/ }).waitFor();
  await look("sending");
  await network(page);
  for (const { name } of files.slice(1)) await stored(page, name);
  await look("stored");
  await page.getByRole("button", { name: /^(Clear finished|Limpar|Tirar)/ }).first().click();
  await upload(page, "first").getByRole("button", { name: /^(Cancel|Cancelar)/ }).click();
}
