import { existsSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Logger } from "pino";
import { type TlsFiles, tlsServer } from "../../stream/tls.ts";
import { EventHub } from "./event-hub.ts";
import type { Feed } from "./feed.ts";
import { Login } from "./login.ts";
import { answer } from "./routes.ts";
import type { OrderParts } from "./switchover.ts";
import { Visitors, type VisitorsOptions } from "./visitors.ts";

export interface DashboardOptions extends VisitorsOptions {
  listen: { host: string; port: number };
  /** Served over TLS where they are there at the start; without them it is for a loopback address, or behind something that has TLS. */
  tls: TlsFiles | undefined;
  feed: Feed;
  orders: OrderParts;
  log: Logger;
}

export interface ServedDashboard {
  url: string;
  close(): void;
}

const LIMITS = {
  maxHeaderSize: 16_384,
  headersTimeout: 10_000,
  requestTimeout: 15_000,
  keepAliveTimeout: 75_000,
  noDelay: true,
} as const;

/** Serves the page of one stack. */
export async function serveDashboard(options: DashboardOptions): Promise<ServedDashboard> {
  const { listen, feed, orders, log } = options;
  const tls = options.tls !== undefined && existsSync(options.tls.cert) ? options.tls : undefined;
  const hub = new EventHub(feed);
  const onWrong = () => log.warn("a wrong key at the dashboard");
  const login = new Login(orders.stack, new Visitors(options), tls !== undefined, onWrong);
  const onRequest = (request: IncomingMessage, response: ServerResponse) => {
    response.on("error", () => {});
    answer({ feed, hub, login, orders, log }, request, response).catch((error: unknown) => {
      log.error({ error: error instanceof Error ? error.stack : String(error) }, "a request of the dashboard failed");
      if (response.headersSent) response.destroy();
      else
        response.writeHead(500, { "content-type": "text/plain" }).end("internal error; the reconciler's log has it\n");
    });
  };
  const server = tls === undefined ? createServer(LIMITS, onRequest) : tlsServer(LIMITS, tls, onRequest, log);
  server.maxConnections = 256;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(listen.port, listen.host, resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `${tls === undefined ? "http" : "https"}://${listen.host}:${port}`,
    close() {
      hub.close();
      orders.drill.close();
      server.close();
      server.closeAllConnections();
    },
  };
}
