// A request that a replica has begun and cannot end, because its client does not.

import { once } from "node:events";
import { request } from "node:http";
import { until } from "./wait.mjs";

const PIECE = Buffer.alloc(64 << 10);

/** Begins to send a file to a replica; `end` sends the last of it and returns the answer's status. */
export async function hold(replica, name) {
  const sent = request(`${replica.url}/api/uploads/${encodeURIComponent(name)}`, { method: "PUT" });
  sent.on("error", () => {});
  const answered = once(sent, "response");
  answered.catch(() => {});
  sent.write(PIECE);
  // It is being served, not only on its way.
  await until("it is begun", async () => {
    const list = await (await fetch(`${replica.url}/api/uploads?state=all&q=${encodeURIComponent(name)}`)).json();
    return list.uploads.length > 0;
  });
  return {
    async end() {
      sent.end(PIECE);
      const [answer] = await answered;
      answer.resume();
      return answer.statusCode;
    },
  };
}
