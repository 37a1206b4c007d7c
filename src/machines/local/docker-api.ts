import type { Readable } from "node:stream";
import { Agent } from "undici";
import { request } from "../../http-request.ts";

export interface DockerCall {
  query?: Record<string, string>;
  /** Sent as JSON. */
  body?: unknown;
  /** Sent as a tar archive, instead of `body`. */
  archive?: Readable | Buffer;
  signal?: AbortSignal | undefined;
  /** How long the daemon may take to begin its answer. Default 60 s; an import of a big archive takes longer. */
  timeoutMs?: number;
}

/** The daemon's refusal: its status code and its own sentence. */
export class DockerError extends Error {
  readonly status: number;

  constructor(call: string, status: number, message: string) {
    super(`${call}: ${message} (HTTP ${status})`);
    this.name = "DockerError";
    this.status = status;
  }
}

/**
 * The Docker Engine API over its unix socket. Paths carry no version, so the daemon answers in its own newest one;
 * every field used here is in all of 1.41 (20.10) and later.
 */
export class DockerApi {
  readonly #agent: Agent;

  constructor(socketPath: string) {
    this.#agent = new Agent({ connect: { socketPath }, connections: 16, headersTimeout: 0, bodyTimeout: 0 });
  }

  /** Calls and parses the JSON answer; `undefined` for an empty one. @throws DockerError when the daemon refuses. */
  async call<T>(method: "GET" | "POST" | "PUT" | "DELETE", path: string, options: DockerCall = {}): Promise<T> {
    const text = await (await this.#send(method, path, options)).text();
    return (text === "" ? undefined : JSON.parse(text)) as T;
  }

  /** Like {@link call}, for objects that may be missing: 404 gives `undefined`. */
  async find<T>(path: string, options: DockerCall = {}): Promise<T | undefined> {
    return this.call<T>("GET", path, options).catch(ifStatus(404));
  }

  /** Calls and hands over the body as it comes: archives, logs, progress. */
  async stream(method: "GET" | "POST", path: string, options: DockerCall = {}): Promise<Readable> {
    return this.#send(method, path, options);
  }

  async close(): Promise<void> {
    await this.#agent.close();
  }

  async #send(method: "GET" | "POST" | "PUT" | "DELETE", path: string, options: DockerCall) {
    const { query = {}, body, archive, signal, timeoutMs = 60_000 } = options;
    const search = new URLSearchParams(query).toString();
    const type = archive ? "application/x-tar" : body === undefined ? undefined : "application/json";
    const answer = await request(`http://docker${path}${search && `?${search}`}`, {
      method,
      dispatcher: this.#agent,
      headersTimeout: timeoutMs,
      body: archive ?? (body === undefined ? null : JSON.stringify(body)),
      ...(type && { headers: { "content-type": type } }),
      ...(signal && { signal }),
    });
    if (answer.statusCode >= 400) {
      const text = await answer.body.text();
      throw new DockerError(`${method} ${path}`, answer.statusCode, daemonMessage(text));
    }
    return answer.body;
  }
}

/** For `.catch`: turns one refusal into `undefined`, so that "already gone" and "already so" are not failures. */
export function ifStatus(...statuses: number[]): (error: unknown) => undefined {
  return (error) => {
    if (error instanceof DockerError && statuses.includes(error.status)) return undefined;
    throw error;
  };
}

function daemonMessage(text: string): string {
  try {
    return (JSON.parse(text) as { message?: string }).message ?? text;
  } catch {
    return text;
  }
}
