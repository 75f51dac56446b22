// A client of tus 1.0.0 (https://tus.io/protocols/resumable-upload) that does not give up. It needs nothing of the page around it.

const FIRST_DELAY_MS = 500, LONGEST_DELAY_MS = 10_000, LONGEST_ASKED_MS = 3_600_000;
// For so long nothing may move while a body is sent, or an answer may take: longer than replicas need to stand in for each other.
const STILL_MS = 60_000, ANSWER_MS = 30_000;
const TERMINATIONS = 6;
const VERSION = { "Tus-Resumable": "1.0.0" };
const PASSING = [408, 409, 423, 425, 429, 460], PASSING_CODES = ["body_cut_short", "past_the_end"];

/** Sending again would change nothing. `code` is that of the service's problem, or `unreadable`. */
export class Refused extends Error {
  constructor(code, problem = {}) {
    super(problem.title ?? code);
    Object.assign(this, { code, problem });
  }
}

/** It may work the next time. `reason` is `lost`, `busy`, `full`, or `moved`: the offset is not what it seemed. */
class Again extends Error {
  constructor(reason, after = null) {
    super(reason);
    Object.assign(this, { reason, after });
  }
}

/** Sends `file`, going on with the upload at `url` if there is one, until all of it is stored; gives the upload's URL. Throws
 *  `Refused`, or what `signal` was aborted with; the upload can be gone on with after both.
 *
 *  `tell(what, detail)` hears: `url` {url} (null: forgotten by the service), `offset` {offset, resumed}, `progress` {sent},
 *  `waiting` {reason, until}, `trying` {}, `answer` {frontend, backend}. */
export async function send(file, { endpoint = "/files/", url = null, signal = new AbortController().signal, tell = () => {} }) {
  const upload = { file, endpoint, url, signal, tell, offset: 0 };
  for (let failures = 0; ; failures += 1) {
    const before = upload.offset;
    try {
      await attempt(upload);
      return upload.url;
    } catch (error) {
      if (!(error instanceof Again)) throw error;
      if (upload.offset > before) failures = 0;
      const delay = error.after ?? backoff(failures);
      tell("waiting", { reason: error.reason, until: Date.now() + delay });
      await sleep(delay, signal, error.after === null);
      tell("trying", {});
    }
  }
}

/** Where the upload at `url` stands; null if the service has forgotten it. Throws when that cannot be known now. */
export async function offsetOf(url) {
  const answer = await ask("HEAD", url, {});
  if (forgotten(answer)) return null;
  if (!answer.ok) throw judged(answer);
  return offsetIn(answer);
}

/** Removes an upload. Whether it is gone: else it expires by itself. */
export async function terminate(url) {
  for (let failures = 0; failures < TERMINATIONS; failures += 1) {
    if (failures > 0) await sleep(backoff(failures), new AbortController().signal, true);
    const answer = await fetch(url, { method: "DELETE", headers: VERSION, keepalive: true }).catch(() => null);
    if (answer?.ok || forgotten(answer ?? {})) return true;
  }
  return false;
}

async function attempt(upload) {
  await checkReadable(upload.file);
  if (upload.url) await find(upload);
  if (!upload.url) await create(upload);
  while (upload.offset < upload.file.size) await append(upload);
}

/** A browser says only that a request failed, also if it could not read what it was to send. */
async function checkReadable(file) {
  try {
    if (file.size > 0) await file.slice(0, 1).arrayBuffer();
  } catch {
    throw new Refused("unreadable");
  }
}

async function find(upload) {
  const answer = await speak(upload, "HEAD", upload.url, {});
  const length = answer.header("Upload-Length");
  if (forgotten(answer) || (answer.ok && length !== null && Number(length) !== upload.file.size)) {
    upload.url = null;
    upload.tell("url", { url: null });
  } else {
    if (!answer.ok) throw judged(answer);
    stands(upload, answer, true);
  }
}

async function create(upload) {
  const { file } = upload;
  const metadata = [["filename", file.name], ["filetype", file.type]].filter(([, value]) => value);
  const headers = {
    "Upload-Length": file.size,
    "Upload-Metadata": metadata.map(([name, value]) => `${name} ${base64(value)}`).join(","),
  };
  const answer = await speak(upload, "POST", upload.endpoint, { headers });
  if (!answer.ok) throw judged(answer);
  const location = answer.header("Location");
  if (!location) throw new Again("lost");
  upload.url = new URL(location, answer.url).href;
  upload.tell("url", { url: upload.url });
  upload.offset = 0;
  upload.tell("offset", { offset: 0, resumed: false });
}

/** All that is left in one request. What arrives of it is kept, whatever becomes of the request. */
async function append(upload) {
  const { file, offset, tell } = upload;
  const answer = await speak(upload, "PATCH", upload.url, {
    headers: { "Upload-Offset": offset, "Content-Type": "application/offset+octet-stream" },
    body: file.slice(offset),
    progress: (loaded) => tell("progress", { sent: offset + loaded }),
  });
  // What is not there any more is found out, and begun anew, by the next attempt.
  if (forgotten(answer)) throw new Again("moved");
  if (!answer.ok) throw judged(answer);
  stands(upload, answer, false);
  if (upload.offset <= offset) throw new Again("moved");
}

function stands(upload, answer, resumed) {
  const offset = offsetIn(answer);
  if (offset > upload.file.size) throw new Again("moved");
  upload.offset = offset;
  upload.tell("offset", { offset, resumed });
}

/** Whatever stands between here and the service may answer in its place. */
function offsetIn(answer) {
  const text = answer.header("Upload-Offset");
  if (!/^\d+$/.test(text ?? "")) throw new Again("lost");
  return Number(text);
}

const forgotten = ({ status }) => status === 404 || status === 410;

function judged({ status, problem, header }) {
  if (status < 500 && !PASSING.includes(status) && !PASSING_CODES.includes(problem.code)) {
    return new Refused(problem.code ?? `http_${status}`, problem);
  }
  const reason = status === 507 ? "full" : status >= 500 || status === 429 || status === 408 ? "busy" : "moved";
  return new Again(reason, askedDelay(header("Retry-After")));
}

/** `Retry-After` is a number of seconds or a date. */
function askedDelay(text) {
  if (!text) return null;
  const delay = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - Date.now();
  return Number.isFinite(delay) ? Math.min(Math.max(delay, FIRST_DELAY_MS), LONGEST_ASKED_MS) : null;
}

/** Not all at the same moment: a service that comes back would be overrun. */
function backoff(failures) {
  return Math.min(FIRST_DELAY_MS * 2 ** failures, LONGEST_DELAY_MS) * (1 + Math.random() / 4);
}

/** Until the time is over; if it is only a guess, at most until there is a network again. */
function sleep(ms, signal, wakes) {
  return new Promise((resolve, reject) => {
    const end = () => {
      clearTimeout(timer);
      removeEventListener("online", end);
      signal.removeEventListener("abort", end);
      if (signal.aborted) reject(signal.reason);
      else resolve();
    };
    const timer = setTimeout(end, ms);
    if (wakes) addEventListener("online", end);
    signal.addEventListener("abort", end);
    if (signal.aborted) end();
  });
}

async function speak(upload, method, url, { headers = {}, body, progress }) {
  const answer = await ask(method, url, { headers, body, progress, signal: upload.signal });
  const frontend = answer.header("X-Frontend-Container"), backend = answer.header("X-Backend-Container");
  upload.tell("answer", { frontend, backend });
  return answer;
}

/** `fetch` does not tell how much of a body is sent. */
function ask(method, url, { headers = {}, body = null, progress = () => {}, signal = new AbortController().signal }) {
  return new Promise((resolve, reject) => {
    if (signal.aborted) throw signal.reason;
    const request = new XMLHttpRequest();
    let timer;
    const settle = (how, value) => {
      clearTimeout(timer);
      signal.removeEventListener("abort", stop);
      how(value);
    };
    const stop = () => {
      settle(reject, signal.aborted ? signal.reason : new Again("lost"));
      request.abort();
    };
    const moved = () => {
      clearTimeout(timer);
      timer = setTimeout(stop, body ? STILL_MS : ANSWER_MS);
    };
    request.onload = () => settle(resolve, answerOf(request));
    request.onerror = () => settle(reject, new Again("lost"));
    if (body) {
      request.upload.onprogress = ({ loaded }) => {
        moved();
        progress(loaded);
      };
    }
    request.open(method, url);
    for (const [name, value] of Object.entries({ ...VERSION, ...headers })) request.setRequestHeader(name, value);
    signal.addEventListener("abort", stop);
    moved();
    request.send(body);
  });
}

function answerOf(request) {
  let problem = {};
  try {
    if (request.status >= 400) problem = JSON.parse(request.responseText) ?? {};
  } catch {
    // Not every answer is the service's own.
  }
  const ok = request.status >= 200 && request.status < 300;
  return { status: request.status, ok, url: request.responseURL, problem, header: (name) => request.getResponseHeader(name) };
}

function base64(text) {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text)));
}
