import { once } from "node:events";
import { createServer, type Server } from "node:net";

/** Below the ephemeral ranges of Linux and macOS, where any outgoing connection may take a port. */
const FROM = 11_000;
const TO = 32_000;

/** One after another from here: what two processes are given in the same moment then differs, and random picks meet. */
let next = FROM + Math.floor(Math.random() * (TO - FROM));

/** Free ports of loopback, all different. They stay free unless somebody else asks for exactly these. */
export async function freePorts(count: number): Promise<number[]> {
  const held: Server[] = [];
  const ports: number[] = [];
  try {
    while (ports.length < count) {
      const port = next;
      next = port + 1 < TO ? port + 1 : FROM;
      const server = createServer();
      try {
        server.listen(port, "127.0.0.1");
        await once(server, "listening");
      } catch {
        continue;
      }
      held.push(server);
      ports.push(port);
    }
    return ports;
  } finally {
    await Promise.all(held.map((server) => new Promise((resolve) => server.close(resolve))));
  }
}
