// Programs that a test starts.

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { program } from "./paths.mjs";
import { until } from "./wait.mjs";

/** A running program, whose output is kept for the report of a test that fails. */
export class Process {
  lines = [];
  over = false;
  #child;
  #ended;

  /** `deathSignal` is what the kernel sends it when this process ends, however that happens. */
  constructor(name, command, { deathSignal = "KILL", env = {} } = {}) {
    this.name = name;
    this.#child = spawn("setpriv", ["--pdeathsig", deathSignal, "--", ...command], { stdio: ["ignore", "pipe", "pipe"], env });
    this.#ended = new Promise((resolve) => {
      this.#child.on("error", (error) => { this.lines.push(String(error)); resolve(null); });
      this.#child.on("close", resolve);
    });
    this.#ended.then(() => { this.over = true; });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      createInterface({ input: stream }).on("line", (line) => this.lines.push(line));
    }
  }

  get id() {
    return this.#child.pid;
  }

  signal(name) {
    if (!this.over) this.#child.kill(name);
  }

  /** Returns its exit status, `null` if a signal ended it. */
  wait() {
    return this.#ended;
  }

  /** As if its machine had lost its power. */
  async kill() {
    this.signal("SIGKILL");
    await this.wait();
  }

  /** As Docker tells it to stop. */
  terminate() {
    this.signal("SIGTERM");
  }

  /** What it has said: all of it, or the last lines that are not about single requests. */
  report(lines = Infinity) {
    const said = lines === Infinity ? this.lines : this.lines.filter((line) => !/ INFO +access\]/.test(line)).slice(-lines);
    return [`--- ${this.name}${this.over ? ", which has ended" : ""}`, ...said].join("\n");
  }
}

/** The program under test, as one replica or as a whole service. */
export class Replica extends Process {
  /** Starts it on a free port, or on `port`, and reads the address from its greeting. */
  static async start(name, args, { port = 0, env = {} } = {}) {
    const replica = new Replica(name, [program(), "--listen", `127.0.0.1:${port}`, ...args], { env });
    try {
      replica.url = await until(`${name} greets`, () => replica.#greeting());
    } catch (error) {
      await replica.kill();
      throw error;
    }
    return replica;
  }

  get port() {
    return new URL(this.url).port;
  }

  async waitUntilReady() {
    await until(`${this.name} is ready`, async () => {
      const answer = await fetch(`${this.url}/readyz`).catch(() => null);
      await answer?.arrayBuffer();
      return answer?.ok;
    });
  }

  #greeting() {
    if (this.over) throw new Error(`it ended without a greeting:\n${this.report()}`);
    return this.lines.map((line) => line.match(/http:\/\/[\w.:[\]-]+/)?.[0]).find(Boolean);
  }
}
