// How fast something grows, over the last few seconds.

const WINDOW_MS = 5000, STEP_MS = 200;

export class Speed {
  #samples = [];

  restart(value) {
    this.#samples = [[performance.now(), value]];
  }

  add(value) {
    const now = performance.now(), samples = this.#samples;
    while (samples.length > 2 && samples[1][0] < now - WINDOW_MS) samples.shift();
    const last = samples.at(-1);
    if (samples.length > 1 && now - samples.at(-2)[0] < STEP_MS) last.splice(0, 2, now, value);
    else samples.push([now, value]);
  }

  /** Each second. Falls while nothing comes. */
  now() {
    const [first, last] = [this.#samples[0], this.#samples.at(-1)];
    return last && last !== first ? ((last[1] - first[1]) * 1000) / Math.max(performance.now() - first[0], STEP_MS) : 0;
  }
}
