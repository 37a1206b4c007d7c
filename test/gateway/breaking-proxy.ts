import { once } from "node:events";
import { createConnection, createServer, type Server, type Socket } from "node:net";

/** Stands before an engine and dies like one: all connections reset at once, new ones refused. */
export class BreakingProxy {
  readonly port: number;
  #target: URL;
  #server: Server;
  readonly #sockets = new Set<Socket>();
  /** While true nothing passes and nothing is closed: a server without power. */
  #dark = false;

  private constructor(target: URL, server: Server, port: number) {
    this.#target = target;
    this.#server = server;
    this.port = port;
    server.on("connection", (socket) => this.#join(socket));
  }

  static async before(target: string): Promise<BreakingProxy> {
    const server = await listenBelowEphemeral();
    return new BreakingProxy(new URL(target), server, (server.address() as { port: number }).port);
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  #join(near: Socket): void {
    const far = createConnection(Number(this.#target.port), this.#target.hostname);
    for (const socket of [near, far]) {
      this.#sockets.add(socket);
      socket.on("error", () => {});
      socket.setNoDelay(true);
    }
    const link = (from: Socket, to: Socket) => {
      from.on("data", (chunk) => this.#dark || to.write(chunk));
      from.on("close", () => {
        this.#sockets.delete(from);
        if (!this.#dark) to.destroy();
      });
    };
    link(near, far);
    link(far, near);
  }

  /** Every connection is reset, and nobody listens. */
  async crash(): Promise<void> {
    this.#server.close();
    for (const socket of this.#sockets) socket.resetAndDestroy();
    await once(this.#server, "close");
  }

  async restore(): Promise<void> {
    this.#dark = false;
    if (this.#server.listening) return;
    this.#server = createServer((socket) => this.#join(socket)).listen(this.port, "127.0.0.1");
    await once(this.#server, "listening");
  }

  retarget(url: string): void {
    this.#target = new URL(url);
  }

  goDark(): void {
    this.#dark = true;
  }

  async close(): Promise<void> {
    this.#dark = false;
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }
}

/**
 * A port that the kernel gives to nobody's outgoing connection: while this proxy is down, one of 32768 and above could be
 * taken, and the proxy would not come back.
 */
async function listenBelowEphemeral(): Promise<Server> {
  for (;;) {
    const server = createServer();
    const port = 12_000 + Math.floor(Math.random() * 20_000);
    const error = await new Promise<NodeJS.ErrnoException | null>((resolve) => {
      server.once("error", resolve).listen(port, "127.0.0.1", () => resolve(null));
    });
    if (error === null) return server.removeAllListeners("error");
    if (error.code !== "EADDRINUSE") throw error;
  }
}
