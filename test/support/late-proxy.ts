import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Agent, request } from "undici";
import { parseKubeconfig } from "../../src/kube/kubeconfig.ts";

/** A write that was held up on its way, and what the API server said to it in the end. */
export interface LateWrite {
  method: string;
  path: string;
  status: Promise<number>;
}

/**
 * Stands between one client and the API server, in plain HTTP towards the client. It can hold up writes, as a network does to the
 * packets of a process that is about to be stopped: they arrive when somebody else acts already.
 */
export class LateProxy {
  /** Held up since {@link hold}, in order. */
  readonly late: LateWrite[] = [];
  #released: Promise<void> | null = null;
  #release: () => void = () => {};
  readonly #server = createServer((incoming, response) => void this.#pass(incoming, response));
  readonly #agent: Agent;
  readonly #target: string;

  static async start(kubeconfig: string): Promise<LateProxy> {
    const proxy = new LateProxy(kubeconfig);
    await new Promise<void>((resolve) => proxy.#server.listen(0, "127.0.0.1", resolve));
    return proxy;
  }

  private constructor(kubeconfig: string) {
    const { server, ca, certificate, key } = parseKubeconfig(kubeconfig);
    this.#target = server;
    this.#agent = new Agent({
      connect: {
        ...(ca === undefined ? {} : { ca }),
        ...(certificate === undefined ? {} : { cert: certificate }),
        ...(key === undefined ? {} : { key }),
      },
    });
  }

  /** For the client that shall go through it. */
  get kubeconfig(): string {
    const { port } = this.#server.address() as AddressInfo;
    return JSON.stringify({
      "current-context": "x",
      contexts: [{ name: "x", context: { cluster: "x", user: "x" } }],
      clusters: [{ name: "x", cluster: { server: `http://127.0.0.1:${port}` } }],
      users: [{ name: "x", user: {} }],
    });
  }

  /** From now on writes wait; reads and watches pass. */
  hold(): void {
    this.#released = new Promise((resolve) => {
      this.#release = resolve;
    });
  }

  /** What was held up arrives now; what comes later passes at once. */
  release(): void {
    this.#released = null;
    this.#release();
  }

  async close(): Promise<void> {
    this.release();
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
    await this.#agent.destroy();
  }

  async #pass(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = "GET", url = "/", headers } = incoming;
    const end = new AbortController();
    response.on("error", () => {});
    try {
      const parts: Buffer[] = [];
      for await (const part of incoming as AsyncIterable<Buffer>) parts.push(part);
      const isLate = method !== "GET" && this.#released !== null;
      const said = Promise.withResolvers<number>();
      if (isLate) this.late.push({ method, path: url, status: said.promise });
      // Of a late one the client may be gone, which is the point.
      else response.on("close", () => end.abort());
      if (isLate) await this.#released;
      const { host: _host, connection: _connection, "content-length": _length, ...kept } = headers;
      const answer = await request(this.#target + url, {
        dispatcher: this.#agent,
        method: method as "GET",
        headers: kept as Record<string, string>,
        ...(parts.length === 0 ? {} : { body: Buffer.concat(parts) }),
        signal: end.signal,
        bodyTimeout: 0,
      });
      said.resolve(answer.statusCode);
      const type = String(answer.headers["content-type"] ?? "application/json");
      response.writeHead(answer.statusCode, { "content-type": type });
      for await (const part of answer.body) response.write(part);
      response.end();
    } catch {
      response.destroy();
    }
  }
}
