// What the service tells as it happens. Any frontend can go on where another stopped: it is told what was heard last.

const KINDS = ["replicas", "traffic", "uploads", "reload", "unavailable"];
/** Something comes each second. A frontend that is gone without a word, with a proxy before it, leaves a connection that
 *  nobody ends. */
const SILENCE_MS = 4000;
const RETRY_MS = 1000;

/** Dispatches `replicas`, `traffic`, `uploads`, `reload` and `unavailable` with their data in `detail`, and `link` with
 *  whether the connection stands. */
export class Events extends EventTarget {
  #source = null;
  #heard = "";
  #connected = null;
  #watchdog = null;

  start() {
    this.#source = new EventSource(`/api/events?since=${encodeURIComponent(this.#heard)}`);
    this.#source.addEventListener("open", () => this.#alive());
    this.#source.addEventListener("error", () => this.#again(RETRY_MS));
    for (const kind of KINDS) {
      this.#source.addEventListener(kind, (event) => {
        this.#heard = event.lastEventId || this.#heard;
        this.#alive();
        this.#tell(kind, JSON.parse(event.data));
      });
    }
    this.#expect();
  }

  #alive() {
    this.#link(true);
    this.#expect();
  }

  #expect() {
    clearTimeout(this.#watchdog);
    this.#watchdog = setTimeout(() => this.#again(0), SILENCE_MS);
  }

  // Not left to the browser, which gives up for ever when the answer is an error.
  #again(pause) {
    this.#source.close();
    this.#link(false);
    clearTimeout(this.#watchdog);
    this.#watchdog = setTimeout(() => this.start(), pause);
  }

  #link(connected) {
    if (this.#connected === connected) return;
    this.#connected = connected;
    this.#tell("link", connected);
  }

  #tell(kind, detail) {
    this.dispatchEvent(new CustomEvent(kind, { detail }));
  }
}
