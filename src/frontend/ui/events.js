// What the service tells as it happens. Any frontend can go on where another stopped: it is told what was heard last.

const KINDS = ["replicas", "traffic", "uploads", "reload", "unavailable"];
/** Something comes each second. A frontend that is gone without a word, with a proxy before it, leaves a connection that
 *  nobody ends. */
const SILENCE_MS = 4000;
const RETRY_MS = 500;
/** So long nobody needs to know: a frontend that drains ends its streams in good order. */
const UNNOTICED_MS = 2000;

/** Dispatches `replicas`, `traffic`, `uploads`, `reload` and `unavailable` with their data in `detail`, and `link` with
 *  whether there is a connection, which may stand again before anybody is told that it is lost. */
export class Events extends EventTarget {
  #source = null;
  #heard = "";
  #connected = null;
  #watchdog = null;
  #unnoticed = null;

  /** Hears what happens while the page is seen: a browser has six connections to a host, and pages behind others would take
   *  them from the one before them. */
  start() {
    const heed = () => (document.hidden ? this.#rest() : this.#open());
    document.addEventListener("visibilitychange", heed);
    heed();
  }

  #open() {
    this.#source = new EventSource(`/api/events?since=${encodeURIComponent(this.#heard)}`);
    this.#source.addEventListener("open", () => this.#alive());
    this.#source.addEventListener("error", () => this.#again());
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
    clearTimeout(this.#unnoticed);
    this.#unnoticed = null;
    this.#link(true);
    this.#expect();
  }

  #expect() {
    clearTimeout(this.#watchdog);
    this.#watchdog = setTimeout(() => this.#again(), SILENCE_MS);
  }

  // Not left to the browser, which gives up for ever when the answer is an error. Pages that lost the same frontend do not come
  // back at the same moment.
  #again() {
    this.#source.close();
    this.#unnoticed ??= setTimeout(() => this.#link(false), UNNOTICED_MS);
    clearTimeout(this.#watchdog);
    this.#watchdog = setTimeout(() => this.#open(), RETRY_MS * (1 + Math.random()));
  }

  #rest() {
    this.#source?.close();
    clearTimeout(this.#watchdog);
    clearTimeout(this.#unnoticed);
    this.#unnoticed = null;
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
