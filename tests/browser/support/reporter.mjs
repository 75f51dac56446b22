// Prints each rule as it is kept or broken and, last, how many were, as scripts/test.sh counts them.

export default async function* report(events) {
  const counts = { passed: 0, failed: 0 };
  // Files of which a failure has been told: they then fail, too.
  const told = new Set();
  for await (const { type, data } of events) {
    if (type === "test:stdout" || type === "test:stderr") yield data.message;
    if (type !== "test:pass" && type !== "test:fail") continue;
    const failed = type === "test:fail";
    // Rules stand in topics, and these in files. A topic fails by itself if its site does not start, and its rules with it.
    const isRule = data.nesting > 0 && data.details.type !== "suite";
    if (failed ? isOfAnother(data.details.error) || (!isRule && told.has(data.file)) : !isRule) continue;
    if (failed) told.add(data.file);
    counts[failed ? "failed" : "passed"] += 1;
    yield `${failed ? "BROKEN" : "ok"} ${data.name} (${Math.round(data.details.duration_ms)} ms)\n`;
    if (failed) yield `${describe(data.details.error)}\n`;
  }
  if (counts.passed === 0) process.exitCode = 1;
  yield `\n${counts.passed} passed, ${counts.failed} failed\n`;
}

const isOfAnother = (error) => ["subtestsFailed", "cancelledByParent"].includes(error?.failureType);

function describe(error) {
  const cause = error?.cause ?? error;
  return cause?.stack ?? String(cause);
}
