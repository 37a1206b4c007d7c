import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Registry } from "prom-client";

export interface Listening {
  url: string;
  close(): void;
}

/**
 * `/healthz` and `/metrics`; neither holds a secret. Healthy is a loop that still turns: without an API server it waits, and to
 * start it anew would not help.
 */
export async function listen(
  address: { host: string; port: number },
  registry: Registry,
  isTurning: () => boolean,
): Promise<Listening> {
  const server = createServer((request, response) => {
    const path = (request.url ?? "/").split("?")[0];
    if (path === "/healthz") {
      const turning = isTurning();
      response.writeHead(turning ? 200 : 503, { "content-type": "application/json" });
      return void response.end(JSON.stringify({ turning }));
    }
    if (path !== "/metrics") return void response.writeHead(404).end();
    registry.metrics().then(
      (text) => response.writeHead(200, { "content-type": registry.contentType }).end(text),
      () => response.writeHead(500).end(),
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(address.port, address.host, resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://${address.host}:${port}`,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
