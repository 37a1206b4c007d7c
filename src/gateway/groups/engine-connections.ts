import { connect, type Socket } from "node:net";

/** The engine closes idle connections after 5 s (SGLANG_TIMEOUT_KEEP_ALIVE); ours must go first. */
const KEEP_ALIVE_MS = 4000;
/**
 * All connections are read into one buffer: a read is taken out of it before the next one begins. Windows fills a buffer
 * while others are read, and needs one for each.
 */
const READ_BYTES = 65_536;
const shared = process.platform === "win32" ? null : Buffer.allocUnsafeSlow(READ_BYTES);

/** Who uses a connection now. */
export interface ConnectionUser {
  onConnect(): void;
  /** Bytes as a binary string. */
  onData(text: string): void;
  /** Its other side was closed in order. */
  onEnd(): void;
  /** It is gone, and no longer this user's; null where nobody said why. */
  onClose(error: NodeJS.ErrnoException | null): void;
}

/** One connection to an engine, for one request after the other. */
export class EngineConnection {
  readonly socket: Socket;
  user: ConnectionUser | null;
  /** It has carried an answer before. */
  reused = false;
  /** It was closed while nobody used it. */
  onIdleClose: () => void = () => {};
  #error: NodeJS.ErrnoException | null = null;

  constructor(url: URL, user: ConnectionUser) {
    this.user = user;
    const buffer = shared ?? Buffer.allocUnsafeSlow(READ_BYTES);
    const socket = connect({
      host: url.hostname.replace(/^\[(.*)\]$/, "$1"),
      port: Number(url.port || 80),
      noDelay: true,
      onread: {
        buffer,
        callback: (bytes) => {
          // Nothing was asked: such a connection is not to be trusted with a request.
          if (this.user === null) socket.destroy();
          else this.user.onData(buffer.toString("latin1", 0, bytes));
          return true;
        },
      },
    });
    this.socket = socket;
    socket.on("connect", () => this.user?.onConnect());
    socket.on("end", () => this.user?.onEnd());
    socket.on("timeout", () => socket.destroy());
    socket.on("error", (error) => {
      this.#error = error;
    });
    socket.on("close", () => (this.user === null ? this.onIdleClose() : this.user.onClose(this.#error)));
  }
}

/** The connections to a group's engines. Those that wait for another request are kept for a while. */
export class EngineConnections {
  readonly #idle = new Map<string, EngineConnection[]>();

  /** The one that was used last, else a new one. */
  take(url: URL, user: ConnectionUser): EngineConnection {
    const all = this.#idle.get(url.host);
    let idle = all?.pop();
    // Destroyed, and its close not yet told.
    while (idle?.socket.destroyed) idle = all?.pop();
    if (idle === undefined) return new EngineConnection(url, user);
    idle.socket.setTimeout(0);
    idle.socket.ref();
    idle.user = user;
    idle.reused = true;
    return idle;
  }

  /** Its answer came whole. */
  giveBack(url: URL, connection: EngineConnection): void {
    const { socket } = connection;
    connection.user = null;
    if (socket.destroyed || socket.readableEnded || socket.writableLength > 0) return void socket.destroy();
    const all = this.#idle.get(url.host) ?? [];
    if (all.length === 0) this.#idle.set(url.host, all);
    all.push(connection);
    socket.setTimeout(KEEP_ALIVE_MS);
    // A connection that waits keeps no process alive.
    socket.unref();
    connection.onIdleClose = () => this.#forget(url.host, connection);
  }

  #forget(host: string, connection: EngineConnection): void {
    const all = this.#idle.get(host);
    const at = all?.indexOf(connection) ?? -1;
    if (at >= 0) all?.splice(at, 1);
    if (all?.length === 0) this.#idle.delete(host);
  }

  /** Those that are idle now may be to a dead engine. */
  dropIdle(): void {
    const all = [...this.#idle.values()].flat();
    this.#idle.clear();
    for (const { socket } of all) socket.destroy();
  }
}
