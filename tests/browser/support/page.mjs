// The page as its visitors know it: by roles, labels and words, never by how it is built.

/** Hidden or gone. */
export const goes = (locator) => locator.waitFor({ state: "hidden" });

/** An upload in the queue. */
export const upload = (page, name) => rowOf(page.getByRole("list", { name: /^(Uploads|Envios)$/ }), name);

/** A file in the list. */
export const file = (page, name) => rowOf(page.getByRole("region", { name: /^(Files|Arquivos)$/ }), name);

/** What it is called there, which opens its details. */
export const nameOf = (page, name) => file(page, name).getByRole("link", { name, exact: true });

/** The part of the page that shows the cluster. Where there is little room it is folded at first. */
export const cluster = (page) => page.getByRole("region", { name: "Cluster", exact: true });

/** What is shown and can be pressed to undo a deletion. */
export const undo = (page) => page.getByRole("region", { name: /^(Notices|Avisos)$/ }).getByRole("button", { name: /^(Undo|Desfazer)/ });

const rowOf = (list, name) => list.getByRole("listitem").filter({ has: list.page().getByText(name, { exact: true }) });

/** What the files of the list are called, in its order. */
export async function fileNames(page) {
  const links = page.getByRole("region", { name: "Files", exact: true }).getByRole("listitem");
  return links.evaluateAll((items) => items.map((item) => item.querySelector("a").textContent));
}

/** Chooses files in the window that the browser opens for it. */
export async function choose(page, ...files) {
  const [window] = await Promise.all([page.waitForEvent("filechooser"), page.getByRole("button", { name: /Choose files|Escolher arquivos/ }).click()]);
  await window.setFiles(files.map(({ path }) => path));
}

/** How much of an upload the page says is sent, from 0 to 1. */
export const progress = (page, name) => upload(page, name).getByRole("progressbar").evaluate((bar) => bar.value / bar.max);

export const stored = (page, name) => upload(page, name).getByText(/\b(Stored|Guardado|Armazenado)\b/).waitFor();

/** Drops real files onto the middle of the page, as from another program. */
export async function drop(page, ...files) {
  const session = await page.context().newCDPSession(page);
  const { width, height } = page.viewportSize();
  const data = { items: [], files: files.map(({ path }) => path), dragOperationsMask: 1 };
  for (const type of ["dragEnter", "dragOver", "drop"]) {
    await session.send("Input.dispatchDragEvent", { type, x: width / 2, y: height / 2, data });
  }
}

/** A network that takes this many bytes each second, or none at all. */
export async function network(page, { up = -1, offline = false } = {}) {
  page.ofNetwork ??= await page.context().newCDPSession(page);
  await page.ofNetwork.send("Network.enable");
  await page.ofNetwork.send("Network.emulateNetworkConditions", { offline, latency: 0, downloadThroughput: -1, uploadThroughput: up });
}

/** Notes each request of the page from now on that is made with this method. */
export function requests(page, method) {
  const noted = [];
  page.on("request", (request) => request.method() === method && noted.push(request));
  return noted;
}

/** What was copied: pasted where one can paste, since reading a clipboard is not allowed everywhere. */
export async function pasted(page) {
  const box = page.getByRole("searchbox");
  await box.fill("");
  await box.press("Control+V");
  const text = await box.inputValue();
  await box.fill("");
  return text;
}

/** Goes on with the tabulator key until this has the focus, as somebody without a mouse. */
export async function tabTo(page, locator) {
  const STEPS = 150;
  for (let step = 0; step < STEPS; step += 1) {
    if (await locator.evaluateAll((all) => all.includes(document.activeElement))) return;
    await page.keyboard.press("Tab");
  }
  throw new Error(`${STEPS} steps do not reach ${locator}`);
}
