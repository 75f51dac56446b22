// Asking the service.

const TIMEOUT_MS = 20_000;

/** What the service says of a problem: in English, whatever the page's language. */
export const inWords = ({ title, detail, advice }) => [title, detail, advice].filter(Boolean).join(". ");

/** The JSON of an answer, if it has any. Never hangs. Fails with the service's `problem`, if it has told one, and the
 *  `status`; `passes` when asking again may help. */
export async function ask(path, options = {}) {
  const signals = [AbortSignal.timeout(TIMEOUT_MS), options.signal].filter(Boolean);
  let status = 0, body = null;
  try {
    const answer = await fetch(path, { ...options, signal: AbortSignal.any(signals) });
    if (answer.status !== 204) body = await answer.json();
    if (answer.ok) return body;
    status = answer.status;
  } catch {
    // Nothing came, or nothing of the service: a proxy's own page.
  }
  throw Object.assign(new Error(`${path}: ${status}`), { problem: body ?? {}, status, passes: status === 0 || status === 429 || status >= 500 });
}
