// Services to open a page of: a whole one in one process, and a cluster behind its edge.

import { createDatabase } from "./database.mjs";
import { freePort, startNginx } from "./nginx.mjs";
import { Replica } from "./process.mjs";

/** While somebody works on the page, its files come from a folder. */
const UI = process.env.SWARM_UPLOAD_UI_DIR ? ["--ui-dir", process.env.SWARM_UPLOAD_UI_DIR] : [];

/** One frontend and three backends in one process. */
export class Standalone {
  /** `options` are more arguments of the program. */
  static async start(scope, options = []) {
    const site = new Standalone();
    site.#options = ["--data-dir", await scope.folder(), ...UI, ...options];
    scope.defer(() => site.#replica.kill());
    await site.#launch();
    return site;
  }

  #options;
  #replica;

  get url() {
    return this.#replica.url;
  }

  kill() {
    return this.#replica.kill();
  }

  /** Starts it again where it was. */
  restart() {
    return this.#launch(this.#replica.port);
  }

  async #launch(port) {
    this.#replica = await Replica.start("standalone", this.#options, { port });
    await this.#replica.waitUntilReady();
  }

  programs() {
    return [this.#replica];
  }
}

/** Backends over one PostgreSQL, frontends over all of them, and nginx before these. */
export class Cluster {
  static async start(scope, { backends = 3, frontends = 2, nodes = false } = {}) {
    const cluster = new Cluster();
    cluster.#nodes = nodes;
    cluster.#database = await createDatabase(scope);
    scope.defer(() => Promise.all(cluster.replicas.map((replica) => replica.kill())));
    // Known to the frontends from the beginning, so that a backend can join.
    cluster.#spare = await freePort();
    const count = (number, start) => Promise.all(Array.from({ length: number }, (_, slot) => start(slot + 1)));
    cluster.backends = await count(backends, (slot) => cluster.startBackend(slot));
    cluster.#addresses = [...cluster.backends.map(({ url }) => url), `http://127.0.0.1:${cluster.#spare}`];
    // A frontend that starts now finds all of them ready with its first look.
    await Promise.all(cluster.backends.map((backend) => backend.waitUntilReady()));
    cluster.frontends = await count(frontends, (slot) => cluster.startFrontend(slot));
    await Promise.all(cluster.frontends.map((frontend) => frontend.waitUntilReady()));
    cluster.#nginx = await startNginx(scope, cluster.frontends);
    return cluster;
  }

  /** Every one that was ever started. */
  replicas = [];
  backends = [];
  frontends = [];
  #addresses;
  #database;
  #nginx;
  #nodes;
  #spare;

  get url() {
    return this.#nginx.url;
  }

  /** A backend that joins does so at a port that the frontends know. */
  async joinBackend() {
    const backend = await this.startBackend(this.backends.length + 1, this.#spare);
    await backend.waitUntilReady();
    return backend;
  }

  async joinFrontend() {
    const frontend = await this.startFrontend(this.frontends.length + 1);
    await frontend.waitUntilReady();
    return frontend;
  }

  startBackend(slot, port) {
    return this.#start("backend", slot, ["--database-url", this.#database], "/api/backend-info/", port);
  }

  startFrontend(slot) {
    const args = [...this.#addresses.flatMap((url) => ["--backend", url]), ...UI];
    return this.#start("frontend", slot, args, "/frontend-info/");
  }

  living() {
    return this.replicas.filter((replica) => !replica.over);
  }

  /** Those that requests come to: frontends that nginx knows, and all backends. */
  behindTheEdge() {
    const ports = this.frontends.map(({ port }) => port);
    return this.living().filter(({ role, port }) => role === "backend" || ports.includes(port));
  }

  /** One that was killed, again where it was. */
  async restart(replica) {
    const again = await this.#start(replica.role, replica.slot, replica.args, replica.info, replica.port);
    await again.waitUntilReady();
    return again;
  }

  async #start(role, slot, args, info, port) {
    const env = this.#nodes ? { NODE_HOSTNAME: `node-${((slot - 1) % 3) + 1}`, TASK_SLOT: String(slot) } : {};
    const replica = await Replica.start(`${role} ${slot}`, ["--role", role, ...args], { port, env });
    this.replicas.push(replica);
    const answer = await fetch(`${replica.url}${info}`).then((answer) => answer.json());
    return Object.assign(replica, { role, slot, args, info, container: answer[`${role}_container_id`] });
  }

  programs() {
    return [...this.replicas, this.#nginx];
  }
}
