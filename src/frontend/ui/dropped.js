// Files that are dropped, those of folders too.

/** Calls `take(file, path)` for each, with a path for what lies inside a folder; gives whether all could be read. Call it in the event itself: later there is nothing. */
export async function takeDropped({ items, files }, take) {
  const entries = [...items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (entries.length === 0) for (const file of files) take(file);
  return (await Promise.all(entries.map((entry) => takeEntry(entry, take)))).every(Boolean);
}

async function takeEntry(entry, take) {
  const read = (from, how) => new Promise((resolve, reject) => from[how](resolve, reject));
  try {
    if (entry.isFile) {
      const path = entry.fullPath;
      take(await read(entry, "file"), path.lastIndexOf("/") > 0 ? path : "");
      return true;
    }
    let all = true;
    const reader = entry.createReader();
    // Some of them at a time.
    for (let some; (some = await read(reader, "readEntries")).length > 0;) {
      for (const each of some) all = await takeEntry(each, take) && all;
    }
    return all;
  } catch {
    return false;
  }
}
