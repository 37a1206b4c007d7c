import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Server as TlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { alignedTimer } from "./aligned-timer.ts";
import { bearerMatches } from "./bearer.ts";
import { encodeFrame } from "./encode-frame.ts";
import type { EvidenceLog } from "./evidence-log.ts";
import type { Frame } from "./frames.ts";

export interface Clock {
  /** Never goes back and knows no leap. */
  monoMs(): number;
  /** The wall clock of this server: for people, never for decisions. */
  wallMs(): number;
}

export interface EvidenceServerOptions {
  server: string;
  bootId: string;
  log: EvidenceLog;
  clock: Clock;
  heartbeatMs: number;
  /** Asked at each connection, so that a token can be changed while the agent runs. Any of them opens the stream. */
  tokens(): readonly string[];
  tls?: { cert: string; key: string };
  /** Answer to `GET /metrics`, which needs the token as well: temperatures and errors are nobody else's business. */
  metrics?: { contentType: string; text(): string };
  maxSubscribers?: number;
  /** A subscriber for whom more than this waits is cut; it resumes when it can keep up. */
  maxPendingBytes?: number;
}

const MAX_EVERY = 40;

/** Serves one evidence log to many subscribers: `GET /v1/stream` and `GET /metrics` with a bearer token, and `GET /healthz`. */
export class EvidenceServer {
  readonly #options: EvidenceServerOptions;
  readonly #http: Server | TlsServer;
  /** With how many beats go by for each that it hears. */
  readonly #subscribers = new Map<ServerResponse, number>();
  #beats = 0;
  #endBeats = () => {};

  constructor(options: EvidenceServerOptions) {
    this.#options = options;
    const limits = { requestTimeout: 5_000, headersTimeout: 5_000, connectionsCheckingInterval: 5_000 };
    const handle = (request: IncomingMessage, response: ServerResponse) => this.#answer(request, response);
    this.#http = options.tls
      ? // Loaded only where it is used: TLS costs four megabytes.
        process.getBuiltinModule("node:https").createServer({ ...limits, ...options.tls }, handle)
      : createServer({ ...limits, noDelay: true, keepAlive: true, keepAliveInitialDelay: 10_000 }, handle);
    // Also those who have shown no token: without a bound anybody could take all file descriptors.
    this.#http.maxConnections = 4 * this.#maxSubscribers;
  }

  get #maxSubscribers(): number {
    return this.#options.maxSubscribers ?? 64;
  }

  get subscribers(): number {
    return this.#subscribers.size;
  }

  async listen(host: string, port: number): Promise<AddressInfo> {
    this.#http.listen(port, host);
    await once(this.#http, "listening");
    const { heartbeatMs, clock } = this.#options;
    this.#endBeats = alignedTimer(
      heartbeatMs,
      () => clock.wallMs(),
      () => this.#beat(),
    );
    return this.#http.address() as AddressInfo;
  }

  /** Sends a frame to everybody, at once; a beat to those whose turn it is. */
  publish(frame: Frame): void {
    if (this.#subscribers.size === 0) return;
    const text = encodeFrame(frame);
    for (const [subscriber, every] of this.#subscribers)
      if (frame.type !== "beat" || this.#beats % every === 0) this.#send(subscriber, text);
  }

  async close(): Promise<void> {
    this.#endBeats();
    for (const subscriber of this.#subscribers.keys()) subscriber.end();
    this.#subscribers.clear();
    this.#http.close();
    this.#http.closeAllConnections();
  }

  /** One timer for all: every subscriber hears the same beat at the same moment. */
  #beat(): void {
    const { log, clock } = this.#options;
    this.#beats += 1;
    this.publish({ type: "beat", seq: log.seq, monoMs: clock.monoMs(), wallMs: clock.wallMs() });
  }

  #send(subscriber: ServerResponse, text: string): void {
    if (subscriber.writableLength > (this.#options.maxPendingBytes ?? 1_048_576)) {
      this.#subscribers.delete(subscriber);
      subscriber.destroy();
    } else subscriber.write(text);
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const [path, query] = (request.url ?? "").split("?", 2);
    if (request.method !== "GET") refuse(response, 405, "only GET is served here");
    else if (path === "/healthz") refuse(response, 200, "ok");
    else if (path !== "/v1/stream" && path !== "/metrics")
      refuse(response, 404, "there is /v1/stream, /metrics and /healthz");
    else if (!bearerMatches(request.headers.authorization, this.#options.tokens())) {
      response.setHeader("www-authenticate", 'Bearer realm="tandem agent"');
      refuse(response, 401, "the agent's token is missing or wrong");
    } else if (path === "/metrics") this.#metrics(response);
    else if (this.#subscribers.size >= this.#maxSubscribers)
      refuse(response, 503, `${this.#maxSubscribers} subscribers are connected, which is the limit`);
    else {
      const asked = new URLSearchParams(query);
      const every = Math.floor(Number(asked.get("every") ?? 1));
      if (every >= 1 && every <= MAX_EVERY) this.#subscribe(response, asked.get("after"), every);
      else refuse(response, 400, `every: want a number of beats from 1 to ${MAX_EVERY}`);
    }
  }

  #metrics(response: ServerResponse): void {
    const { metrics } = this.#options;
    if (metrics === undefined) refuse(response, 404, "no metrics are kept here");
    else response.writeHead(200, { "content-type": metrics.contentType, connection: "close" }).end(metrics.text());
  }

  #subscribe(response: ServerResponse, after: string | null, every: number): void {
    const { server, bootId, log, clock, heartbeatMs } = this.#options;
    const [, agent = "", seq = ""] = /^([^:]{1,64}):(\d{1,15})$/.exec(after ?? "") ?? [];
    const missed = agent === "" ? null : log.after(agent, Number(seq));
    // Its end is the connection's: without chunks a beat is one write for each subscriber, and not four.
    response.removeHeader("transfer-encoding");
    response.writeHead(200, {
      "content-type": "application/x-ndjson",
      "cache-control": "no-store",
      connection: "close",
    });
    const hello: Frame = {
      type: "hello",
      server,
      bootId,
      agent: log.agent,
      heartbeatMs: every * heartbeatMs,
      start: missed === null ? "snapshot" : "resumed",
      seq: log.seq,
      monoMs: clock.monoMs(),
      wallMs: clock.wallMs(),
    };
    response.write([hello, ...(missed ?? log.snapshot())].map(encodeFrame).join(""));
    this.#subscribers.set(response, every);
    const leave = () => this.#subscribers.delete(response);
    response.on("close", leave).on("error", leave);
  }
}

function refuse(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { "content-type": "text/plain", connection: "close" });
  response.end(`${text}\n`);
}
