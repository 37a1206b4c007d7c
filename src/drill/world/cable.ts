import { once } from "node:events";
import { createConnection, createServer, type Server, type Socket } from "node:net";
import { DarkPort } from "./dark-port.ts";

/** What passes on a cable towards a server, seen from outside of it. */
export type Tap = (bytes: Buffer, connection: number) => void;

interface Crossing {
  /** The side that connected. */
  caller: Socket;
  /** Null while the cable is cut: nobody answers. */
  callee: Socket | null;
  target: number;
  patient: boolean;
}

export interface CableOptions {
  tap?: Tap;
  /** Waits while nobody listens at the target. A caller of TCP would be refused and try again, but here it has been let in already. */
  patient?: boolean;
  /** While it is cut, nobody gets a connection: what balancers do then depends on it. Linux only. */
  dark?: boolean;
}

interface Opening {
  server: Server;
  port: number;
  /** Null for one that goes on accepting. */
  dark: DarkPort | null;
}

const RETRY_MS = 50;

let connections = 0;

/**
 * The network cable of one emulated server. Everything between this server and the others crosses it, so that it can be
 * cut: then nothing passes any more in either direction, and neither side hears of a process that dies on the other.
 * On loopback alone the kernel would close the sockets of a killed process and tell its peers at once, which no power cut does.
 */
export class Cable {
  readonly #crossings = new Set<Crossing>();
  readonly #openings: Opening[] = [];
  #cut = false;

  /** Opens a port of loopback whose connections go over this cable to `target`; resolves with its number. */
  async open(target: number, options: CableOptions = {}): Promise<number> {
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (caller) =>
      this.#cross(caller, target, options),
    );
    const reusePort = options.dark === true;
    await once(server.listen({ port: 0, host: "127.0.0.1", reusePort }), "listening");
    const { port } = server.address() as { port: number };
    this.#openings.push({ server, port, dark: reusePort ? new DarkPort(port) : null });
    return port;
  }

  /**
   * From now on nothing passes. What the kernel has already taken is as good as on the wire. Resolves when dark openings
   * are.
   */
  async cut(): Promise<void> {
    if (this.#cut) return;
    this.#cut = true;
    for (const { caller, callee } of this.#crossings) {
      caller.pause();
      callee?.pause();
    }
    await Promise.all(this.#openings.map(({ dark, server }) => dark?.darken(() => server.close())));
  }

  /** Plugs the cable in again: what waited goes on. After a power cut a fresh kernel knows no old connection (`reset`). */
  async mend({ reset }: { reset: boolean }): Promise<void> {
    const wasCut = this.#cut;
    this.#cut = false;
    for (const crossing of this.#crossings) {
      if (reset || crossing.callee?.destroyed === true || crossing.caller.destroyed) this.#drop(crossing);
      else if (crossing.callee === null) this.#connect(crossing);
      else {
        crossing.caller.resume();
        crossing.callee.resume();
        passOnEnds(crossing.caller, crossing.callee);
      }
    }
    if (wasCut) await Promise.all(this.#openings.map((opening) => this.#lighten(opening)));
  }

  close(): void {
    for (const { server, dark } of this.#openings) {
      server.close();
      void dark?.close();
    }
    for (const crossing of this.#crossings) this.#drop(crossing);
  }

  async #lighten(opening: Opening): Promise<void> {
    if (opening.dark === null) return;
    const { server, port, dark } = opening;
    await once(server.listen({ port, host: "127.0.0.1", reusePort: true }), "listening");
    await dark.close();
    opening.dark = new DarkPort(port);
  }

  #cross(caller: Socket, target: number, { tap, patient = false }: CableOptions): void {
    const crossing: Crossing = { caller, callee: null, target, patient };
    this.#crossings.add(crossing);
    const connection = ++connections;
    if (tap !== undefined) caller.on("data", (bytes) => tap(bytes, connection));
    this.#join(crossing, caller, () => crossing.callee);
    // What it says meanwhile waits.
    caller.pause();
    if (!this.#cut) this.#connect(crossing);
  }

  #connect(crossing: Crossing): void {
    const callee = createConnection({ port: crossing.target, host: "127.0.0.1", allowHalfOpen: true, noDelay: true });
    if (crossing.patient) {
      callee.once("connect", () => this.#connected(crossing, callee));
      callee.once("error", () => {
        if (callee === crossing.callee || !this.#crossings.has(crossing)) return;
        setTimeout(() => this.#crossings.has(crossing) && !this.#cut && this.#connect(crossing), RETRY_MS).unref();
      });
    } else this.#connected(crossing, callee);
  }

  #connected(crossing: Crossing, callee: Socket): void {
    crossing.callee = callee;
    this.#join(crossing, callee, () => crossing.caller);
    if (!this.#cut) crossing.caller.resume();
  }

  #join(crossing: Crossing, from: Socket, to: () => Socket | null): void {
    from.on("data", (bytes) => {
      const other = to();
      if (this.#cut || other === null) return;
      if (!other.write(bytes)) {
        from.pause();
        other.once("drain", () => this.#cut || from.resume());
      }
    });
    from.on("end", () => this.#cut || to()?.end());
    from.on("error", () => this.#cut || this.#drop(crossing));
    from.on("close", () => {
      if (this.#cut) return;
      if (to()?.destroyed !== false) this.#crossings.delete(crossing);
      else if (from.errored !== null || !from.readableEnded) this.#drop(crossing);
    });
  }

  #drop(crossing: Crossing): void {
    this.#crossings.delete(crossing);
    for (const socket of [crossing.caller, crossing.callee])
      if (socket !== null && !socket.destroyed) socket.resetAndDestroy();
  }
}

/** Node tells of an end also while a socket is paused: what was told while the cable was cut has gone no further. */
function passOnEnds(caller: Socket, callee: Socket): void {
  if (caller.readableEnded && !callee.writableEnded) callee.end();
  if (callee.readableEnded && !caller.writableEnded) caller.end();
}
