// How fast something grows, over the last few seconds.

const WINDOW_MS = 5000, SOONEST_MS = 500;

export class Speed {
  #samples = [];

  restart(value) {
    this.#samples = [[performance.now(), value]];
  }

  add(value) {
    const now = performance.now();
    this.#samples.push([now, value]);
    while (this.#samples[1][0] < now - WINDOW_MS) this.#samples.shift();
  }

  /** By the second. It falls while nothing comes. */
  now() {
    const [first] = this.#samples, last = this.#samples.at(-1);
    const passed = first && performance.now() - first[0];
    return passed > SOONEST_MS ? (last[1] - first[1]) * 1000 / passed : 0;
  }
}
