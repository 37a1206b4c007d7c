import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { mayPass } from "./auth.ts";
import { HttpError } from "./http-error.ts";
import type { Exchange, Route } from "./routes.ts";

/** A prompt of the largest context is well below this; SGLang itself sets no limit. */
const BODY_LIMIT_BYTES = 512 * 2 ** 20;

type Context = Pick<Exchange, "settings" | "scheduler" | "state">;

/** Binds `--host:--port` and serves `routes`. Rejects if the port is taken, as uvicorn does. */
export async function serve(context: Context, routes: Record<string, Route>, withKeys: boolean): Promise<Server> {
  const server = createServer((request, response) => {
    handle(context, routes, withKeys, request, response).catch((error: unknown) => fail(response, error));
  });
  // uvicorn closes idle connections on the dot; Node would add a second (facts 2: 5 s).
  server.keepAliveTimeout = context.settings.env.keepAliveMs;
  server.keepAliveTimeoutBuffer = 0;
  server.requestTimeout = 0;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(context.settings.port, context.settings.host, resolve);
  });
  return server;
}

async function handle(
  context: Context,
  routes: Record<string, Route>,
  withKeys: boolean,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  response.setHeader("server", "uvicorn");
  // A client that went away is not an error of the server.
  response.on("error", () => {});
  const url = new URL(request.url ?? "/", "http://engine");
  const route = routes[url.pathname];
  const method = request.method ?? "GET";
  const exchange = exchangeOf(context, request, response, url);
  if (withKeys) {
    const asked = { method, path: url.pathname, authorization: request.headers.authorization };
    if (!mayPass(context.settings, asked, route?.level ?? "normal"))
      return exchange.json(401, { error: "Unauthorized" });
  }
  if (route === undefined) return exchange.json(404, { detail: "Not Found" });
  if (!route.methods.includes(method)) return exchange.json(405, { detail: "Method Not Allowed" });
  if (method !== "GET") exchange.body = await readBody(request, route.needsJson === true);
  await route.run(exchange);
}

function exchangeOf(context: Context, request: IncomingMessage, response: ServerResponse, url: URL): Exchange {
  const send = (status: number, body: string, type: string) => {
    if (response.headersSent || response.destroyed) return;
    response.writeHead(status, { "content-type": type, "content-length": Buffer.byteLength(body) }).end(body);
  };
  return {
    ...context,
    request,
    response,
    url,
    body: {},
    json: (status, value) => send(status, JSON.stringify(value), "application/json"),
    text: (status, text, type = "text/plain; charset=utf-8") => send(status, text, type),
    empty: (status) => void response.writeHead(status, { "content-length": 0 }).end(),
    refuse: (error) => send(error.status, JSON.stringify(error.body), "application/json"),
  };
}

async function readBody(request: IncomingMessage, needsJson: boolean): Promise<Record<string, unknown>> {
  const type = (request.headers["content-type"] ?? "").split(";")[0]?.trim().toLowerCase();
  if (needsJson && type !== "application/json")
    throw new HttpError(400, "Unsupported Media Type: Only 'application/json' is allowed");
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    bytes += part.length;
    if (bytes > BODY_LIMIT_BYTES) throw new HttpError(413, "Request body too large");
    parts.push(part);
  }
  if (bytes === 0) return {};
  let value: unknown;
  try {
    value = JSON.parse(Buffer.concat(parts).toString("utf8"));
  } catch (error) {
    throw new HttpError(400, `JSON decode error: ${(error as Error).message}`);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new HttpError(400, "Input should be a valid dictionary");
  return value as Record<string, unknown>;
}

function fail(response: ServerResponse, error: unknown): void {
  if (response.headersSent) return void response.destroy();
  const known =
    error instanceof HttpError
      ? error
      : new HttpError(500, `Internal server error: ${String(error)}`, "InternalServerError");
  response.writeHead(known.status, { "content-type": "application/json" }).end(JSON.stringify(known.body));
}
