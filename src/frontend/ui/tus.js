// A client of tus 1.0.0 (https://tus.io) that does not give up. It needs nothing of the page around it.

const FIRST_DELAY_MS = 500, LONGEST_DELAY_MS = 10_000, LONGEST_ASKED_MS = 3_600_000;
// How long nothing may move while a body is sent, and how long any other answer may take.
const STILL_MS = 75_000, ANSWER_MS = 30_000;
// After so long without a move it is asked how the upload stands. A frontend that is gone without a word, with a proxy before it,
// leaves a connection that nobody ends. If there is an answer the request is lost, else it may wait for somebody who can store.
const QUIET_MS = 8000;
const TERMINATIONS = 6;
const VERSION = { "Tus-Resumable": "1.0.0" };
// What the next attempt may mend, besides 5xx.
const PASSING = [408, 409, 423, 425, 429, 460];

const refused = (code, problem = {}) => Object.assign(new Error(code), { code, problem });
const again = (reason, after = null) => Object.assign(new Error(reason), { reason, after });
const never = () => new AbortController().signal;

/** Sends `file`, going on with the upload at `url` if there is one, until all of it is stored; gives the upload's URL.
 *
 *  Fails only with what `signal` was aborted with, or where sending again would change nothing: the error's `code` is that of
 *  the service's `problem`, or `unreadable`. The upload can be gone on with after both.
 *
 *  `tell(what, detail)` hears: `url` {url} (null: forgotten by the service), `offset` {offset, resumed}, `progress` {sent},
 *  `waiting` {reason, until} (`lost`, `busy`, `full`, or `moved`: to another offset), `trying`, `answer` {frontend, backend}. */
export async function send(file, { endpoint = "/files/", url = null, signal = never(), tell = () => {} }) {
  let offset = 0, quiet = QUIET_MS;
  const stand = (at, resumed) => {
    if (at > file.size) throw again("moved");
    offset = at;
    tell("offset", { offset, resumed });
  };
  const attempt = async () => {
    // A browser says only that a request failed, also where it could not read the file.
    await file.slice(0, 1).arrayBuffer().catch(() => { throw refused("unreadable"); });
    if (url) {
      const found = await offsetOf(url, { signal, tell });
      if (found === null) tell("url", { url: url = null });
      else stand(found, true);
    }
    if (!url) {
      url = await create(file, endpoint, { signal, tell });
      tell("url", { url });
      stand(0, false);
    }
    while (offset < file.size) stand(await append(file, url, offset, { signal, tell, quiet }), false);
  };
  for (let failures = 0; ; failures += 1) {
    const before = offset;
    try {
      await attempt();
      return url;
    } catch (error) {
      if (!error.reason) throw error;
      if (offset > before) failures = 0;
      // What was given up may only have been slow: the next one is let be for longer.
      quiet = offset > before ? QUIET_MS : Math.min(quiet * 2, STILL_MS);
      const delay = error.after ?? backoff(failures);
      tell("waiting", { reason: error.reason, until: Date.now() + delay });
      await sleep(delay, signal, error.after === null);
      tell("trying");
    }
  }
}

/** Where the upload at `url` stands; null if the service has forgotten it. Fails when that cannot be known now. */
export async function offsetOf(url, options = {}) {
  const answer = await ask("HEAD", url, options);
  return answer && offsetIn(answer);
}

/** Removes an upload; one that cannot be reached expires by itself. */
export async function terminate(url) {
  for (let failures = 0; failures < TERMINATIONS; failures += 1) {
    const done = await ask("DELETE", url, {}).then(() => true, ({ reason }) => !reason);
    if (done) return;
    await sleep(backoff(failures), never(), true);
  }
}

async function create(file, endpoint, options) {
  const metadata = [["filename", file.name], ["filetype", file.type]].filter(([, value]) => value);
  const answer = await ask("POST", endpoint, { ...options, headers: {
    "Upload-Length": file.size,
    "Upload-Metadata": metadata.map(([name, value]) => `${name} ${base64(value)}`).join(),
  } });
  const location = answer.getResponseHeader("Location");
  if (!location) throw again("lost");
  return new URL(location, answer.responseURL).href;
}

/** All that is left in one request: what arrives of it is kept, whatever becomes of the request. */
async function append(file, url, offset, options) {
  const answer = await ask("PATCH", url, {
    ...options,
    headers: { "Upload-Offset": offset, "Content-Type": "application/offset+octet-stream" },
    body: file.slice(offset),
    progress: (loaded) => options.tell("progress", { sent: offset + loaded }),
  });
  // If it is not there any more, the next attempt finds out and begins anew.
  const at = answer && offsetIn(answer);
  if (!(at > offset)) throw again("moved");
  return at;
}

/** Whatever stands between here and the service may have answered in its place. */
function offsetIn(answer) {
  const text = answer.getResponseHeader("Upload-Offset");
  if (!/^\d+$/.test(text ?? "")) throw again("lost");
  return Number(text);
}

/** Gives the answer, or null if the upload is not there. `fetch` could not tell how much of a body is sent. */
function ask(method, url, { headers, body = null, progress, quiet, signal = never(), tell = () => {} }) {
  return new Promise((resolve, reject) => {
    if (signal.aborted) throw signal.reason;
    const request = new XMLHttpRequest(), over = new AbortController();
    let timer;
    const end = (settle, value) => {
      clearTimeout(timer);
      over.abort();
      settle(value);
    };
    const stop = () => {
      end(reject, signal.aborted ? signal.reason : again("lost"));
      request.abort();
    };
    const moved = () => {
      clearTimeout(timer);
      timer = body ? setTimeout(look, quiet) : setTimeout(stop, ANSWER_MS);
    };
    const look = () => {
      const now = timer = setTimeout(stop, STILL_MS - quiet);
      offsetOf(url).then(() => timer === now && !over.signal.aborted && stop(), () => {});
    };
    request.onerror = stop;
    request.onload = () => {
      const { status } = request, header = (name) => request.getResponseHeader(name);
      tell("answer", { frontend: header("X-Frontend-Container"), backend: header("X-Backend-Container") });
      if (status < 300) end(resolve, request);
      else if (method !== "POST" && (status === 404 || status === 410)) end(resolve, null);
      else end(reject, failure(request));
    };
    if (body) {
      request.upload.onprogress = ({ loaded, total }) => {
        moved();
        // An answer that comes early, as errors do, makes it seem that all was sent.
        if (loaded < total) progress(loaded);
      };
    }
    request.open(method, url);
    for (const [name, value] of Object.entries({ ...VERSION, ...headers })) request.setRequestHeader(name, value);
    signal.addEventListener("abort", stop, { signal: over.signal });
    // Not all requests fail when the network goes: some would only stand still.
    addEventListener("offline", stop, { signal: over.signal });
    moved();
    request.send(body);
  });
}

function failure(request) {
  const { status } = request;
  if (status >= 500 || PASSING.includes(status)) {
    const reason = status === 507 ? "full" : [409, 423, 460].includes(status) ? "moved" : "busy";
    return again(reason, askedDelay(request.getResponseHeader("Retry-After")));
  }
  let problem = {};
  try {
    problem = JSON.parse(request.responseText);
  } catch {
    // Not every answer is the service's own.
  }
  return refused(problem.code ?? String(status), problem);
}

/** `Retry-After` is a number of seconds or a date. */
function askedDelay(text) {
  const delay = /^\d+$/.test(text ?? "") ? text * 1000 : Date.parse(text) - Date.now();
  return delay >= 0 ? Math.min(Math.max(delay, FIRST_DELAY_MS), LONGEST_ASKED_MS) : null;
}

/** Not all at the same moment: they would overrun a service that comes back. */
function backoff(failures) {
  return Math.min(FIRST_DELAY_MS * 2 ** failures, LONGEST_DELAY_MS) * (1 + Math.random() / 4);
}

/** Until the time is over; if that was only a guess, at most until there is a network again. */
function sleep(ms, signal, wakes) {
  return new Promise((resolve, reject) => {
    const over = new AbortController();
    const end = () => {
      clearTimeout(timer);
      over.abort();
      if (signal.aborted) reject(signal.reason);
      else resolve();
    };
    const timer = setTimeout(end, ms);
    if (wakes) addEventListener("online", end, { signal: over.signal });
    signal.addEventListener("abort", end, { signal: over.signal });
  });
}

function base64(text) {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text)));
}
