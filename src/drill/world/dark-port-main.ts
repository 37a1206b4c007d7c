import { createServer } from "node:net";
import { parentPort, workerData } from "node:worker_threads";

// Listens and never accepts: the thread stands still while the port is dark, and the kernel drops what asks for it.

const { port, hold } = workerData as { port: number; hold: SharedArrayBuffer };
/** The shortest that Node takes; the kernel lets one more in. */
const BACKLOG = 1;

parentPort?.once("message", (order) => {
  if (order !== "listen") return;
  const server = createServer();
  // The cable's own listener still holds the port.
  server.listen({ port, host: "127.0.0.1", backlog: BACKLOG, reusePort: true }, () => {
    parentPort?.postMessage("listening");
    Atomics.wait(new Int32Array(hold), 0, 0);
    server.close();
  });
});
