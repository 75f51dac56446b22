// What the service tells as it happens. Any frontend can go on where another stopped: the browser says what it heard last.

const RETRY_MS = 1000;
const KINDS = ["replicas", "traffic", "uploads", "reload", "unavailable"];

/** Dispatches `replicas`, `traffic`, `uploads`, `reload` and `unavailable` with their data in `detail`, and `link` with
 *  whether the connection stands. */
export class Events extends EventTarget {
  #source = null;
  #connected = null;

  start() {
    this.#source = new EventSource("/api/events");
    this.#source.addEventListener("open", () => this.#link(true));
    this.#source.addEventListener("error", () => this.#lost());
    for (const kind of KINDS) {
      this.#source.addEventListener(kind, (event) => this.#tell(kind, JSON.parse(event.data)));
    }
  }

  #lost() {
    this.#link(false);
    // After an answer that is an error a browser gives up. Then what was missed is not known.
    if (this.#source.readyState !== EventSource.CLOSED) return;
    setTimeout(() => {
      this.start();
      this.#tell("reload", {});
    }, RETRY_MS);
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
