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

  /** By the second; 0 while it is not known, or nothing comes. */
  now() {
    const now = performance.now(), [first] = this.#samples, last = this.#samples.at(-1);
    if (!first || now - first[0] < SOONEST_MS || now - last[0] > WINDOW_MS) return 0;
    return (last[1] - first[1]) * 1000 / (now - first[0]);
  }
}
