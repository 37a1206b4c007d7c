import { Agent } from "undici";
import { request } from "../http-request.ts";
import { KubeError } from "./errors.ts";
import { type ApiAccess, parseKubeconfig } from "./kubeconfig.ts";
import { patiently } from "./patience.ts";

export interface KubeRequest {
  method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** From `/api` or `/apis` on, without a query. */
  path: string;
  query?: Record<string, string | undefined>;
  /** Sent as JSON, which every patch type of the API server accepts. */
  body?: unknown;
  contentType?: string;
  /** What comes back, where that is not the object as it is: names alone, e.g. */
  accept?: string;
  signal?: AbortSignal | undefined;
  /** Of one request, a read's tries together; a watch sets its own. */
  timeoutMs?: number;
  /**
   * Gets the API server's own time when it answered, by the answer's Date header: milliseconds since the epoch, in whole seconds.
   * Not called where there is none.
   */
  onClock?(wallMs: number): void;
}

/** A connection to one API server. Close it, or the process stays alive for its sockets. */
export interface KubeClient {
  server: string;
  /** @throws KubeError with the API server's own status; the transport's error where there was no answer. */
  json<Body>(what: KubeRequest): Promise<Body>;
  /** The answer's bytes as they come, for watches and logs. */
  stream(what: KubeRequest): Promise<AsyncIterable<Buffer>>;
  close(): Promise<void>;
}

const requestTimeoutMs = 30_000;
/** Below the 90 s of the API server (Go's `IdleTimeout` there): a request never meets a connection that is being closed. */
const KEEP_ALIVE_MS = 60_000;
/** Of short requests: a handshake with a client certificate costs either side more than a request that waits for its turn. */
const CONNECTIONS = 8;

/** A thin client: HTTP with client certificates. The official one costs a second and 130 MiB to load. */
export function kubeClient(kubeconfig: string): KubeClient {
  const access = parseKubeconfig(kubeconfig);
  const short = connect(access, CONNECTIONS);
  // Each watch holds a connection of its own for as long as it lasts: none waits for another, and no request for one.
  const long = connect(access, null);
  const sendOnce = async (what: KubeRequest, dispatcher: Agent, timeoutMs: number) => {
    const url = new URL(access.server + what.path);
    for (const [key, value] of Object.entries(what.query ?? {})) {
      if (value !== undefined) url.searchParams.set(key, value);
    }
    const response = await request(url, {
      dispatcher,
      method: what.method,
      headers: {
        accept: what.accept ?? "application/json",
        ...(what.body === undefined ? {} : { "content-type": what.contentType ?? "application/json" }),
        ...(access.token ? { authorization: `Bearer ${await access.token()}` } : {}),
      },
      ...(what.body === undefined ? {} : { body: JSON.stringify(what.body) }),
      ...(what.signal ? { signal: what.signal } : {}),
      headersTimeout: timeoutMs,
      bodyTimeout: timeoutMs,
    });
    if (response.statusCode < 400) {
      const wallMs = Date.parse(String(response.headers.date));
      if (Number.isFinite(wallMs)) what.onClock?.(wallMs);
      return response;
    }
    throw KubeError.fromResponse(
      what,
      response.statusCode,
      await response.body.text(),
      response.headers["retry-after"],
    );
  };
  const send = (what: KubeRequest, dispatcher: Agent) => {
    const { method, timeoutMs = requestTimeoutMs, signal } = what;
    if (method !== "GET") return sendOnce(what, dispatcher, timeoutMs);
    return patiently((leftMs) => sendOnce(what, dispatcher, leftMs), { timeoutMs, signal });
  };
  return {
    server: access.server,
    json: async <Body>(what: KubeRequest) => (await (await send(what, short)).body.json()) as Body,
    stream: async (what) => (await send(what, long)).body,
    close: async () => void (await Promise.all([short.destroy(), long.destroy()])),
  };
}

function connect(access: ApiAccess, connections: number | null): Agent {
  return new Agent({
    connections,
    keepAliveTimeout: KEEP_ALIVE_MS,
    keepAliveMaxTimeout: KEEP_ALIVE_MS,
    connect: {
      timeout: 5_000,
      rejectUnauthorized: access.verify,
      ...(access.ca === undefined ? {} : { ca: access.ca }),
      ...(access.certificate === undefined ? {} : { cert: access.certificate }),
      ...(access.key === undefined ? {} : { key: access.key }),
      ...(access.serverName === undefined ? {} : { servername: access.serverName }),
    },
  });
}
