// Files that come by the mouse: those of folders too.

/** Calls `take(file, path)` for each file of a drop; gives how many could not be read. To be called in the event itself. */
export async function takeDropped({ items, files }, take) {
  const entries = [...items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (entries.length === 0) for (const file of files) take(file, "");
  const failures = await Promise.all(entries.map((entry) => takeEntry(entry, take)));
  return failures.reduce((sum, count) => sum + count, 0);
}

async function takeEntry(entry, take) {
  try {
    if (entry.isFile) {
      take(await new Promise((resolve, reject) => entry.file(resolve, reject)), entry.fullPath.replace(`/${entry.name}`, ""));
      return 0;
    }
    let failures = 0;
    const reader = entry.createReader();
    for (;;) {
      // A part of them at a time.
      const entries = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
      if (entries.length === 0) return failures;
      for (const each of entries) failures += await takeEntry(each, take);
    }
  } catch {
    return 1;
  }
}
