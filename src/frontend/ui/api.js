// Asking the service.

const TIMEOUT_MS = 20_000;

/** The service said no, or nothing. `passes` when it may say yes soon. */
export class Refused extends Error {
  constructor(status, problem = {}) {
    super(problem.title ?? "");
    this.status = status;
    this.detail = problem.detail ?? "";
    this.passes = status === 0 || status >= 500 || status === 408 || status === 429;
  }
}

/** Asks for `path`; gives its JSON, `null` where there is none. Fails with `Refused`; never hangs. */
export async function ask(path, { signal = null, ...options } = {}) {
  const abort = new AbortController();
  const stop = () => abort.abort();
  const timer = setTimeout(stop, TIMEOUT_MS);
  signal?.addEventListener("abort", stop);
  try {
    const answer = await fetch(path, { ...options, signal: abort.signal });
    if (!answer.ok) throw new Refused(answer.status, await answer.json().catch(() => ({})));
    return answer.status === 204 ? null : await answer.json();
  } catch (error) {
    throw error instanceof Refused ? error : new Refused(0);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", stop);
  }
}

/** Where an upload's record is. */
export const pathOf = (id) => `/api/uploads/${encodeURIComponent(id)}`;

/** The address of a file's content that one can pass on. */
export const linkOf = (record) => new URL(record.url, location.href).href;
