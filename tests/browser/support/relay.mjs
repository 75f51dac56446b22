// A cable between a browser and a service, that can be pulled.

import { once } from "node:events";
import { connect, createServer } from "node:net";

/** Starts it before the service at `url`, and returns what can be `cut` and `mended`, with a `url` of its own. */
export async function startRelay(scope, { url }) {
  const { hostname, port } = new URL(url);
  const sockets = new Set();
  let whole = true;
  const keep = (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket)).on("error", () => socket.destroy());
  };
  const server = createServer((near) => {
    if (!whole) return near.destroy();
    const far = connect(port, hostname);
    keep(near);
    keep(far);
    near.on("close", () => far.destroy());
    far.on("close", () => near.destroy());
    near.pipe(far).pipe(near);
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const cut = () => {
    whole = false;
    for (const socket of sockets) socket.destroy();
  };
  const mend = () => { whole = true; };
  scope.defer(() => { cut(); server.close(); });
  return { url: `http://127.0.0.1:${server.address().port}`, cut, mend };
}
