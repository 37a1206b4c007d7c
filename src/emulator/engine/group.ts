import { lookup } from "node:dns/promises";
import { createConnection, createServer, type Server, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { onLines } from "./lines.ts";
import type { EngineSettings } from "./settings.ts";

/** How one server takes part in its group: joined by TCP, in step with all other servers, broken when one of them is lost. */
export interface Group {
  /** All servers are loaded; rejects with the sentence torch would print when one is not in time. */
  loaded(): Promise<void>;
  /** One step of all ranks of all servers (leader only). Never resolves while any of them is stopped or unreachable. */
  step(): Promise<void>;
  /** Sends the ShutdownReq broadcast (leader only). */
  shutdown(): void;
  /** Closes the links with a reset, as dying ranks do to their peers. */
  reset(): void;
}

export interface GroupEvents {
  /** A link was closed or reset: what Gloo and NCCL report as a lost peer. */
  onBroken(why: string): void;
  /** The leader broadcast a shutdown (workers only). */
  onShutdown(): void;
  /** The step of this server alone. */
  localStep(): Promise<void>;
}

const CONNECT_RETRY_MS = 200;
/** The leader's name is not known yet, or still leads to the server that led before: torch listens on every interface, and does not mind. */
const PASSING: readonly string[] = ["ENOTFOUND", "EAI_AGAIN", "EADDRNOTAVAIL"];

/** Torch's sentence for a store that not everybody joined (DistStoreError). */
const timeoutText = (joined: number, wanted: number, ms: number) =>
  `torch.distributed.DistStoreError: Timed out after ${ms / 1000 + 1} seconds waiting for clients. ${joined}/${wanted} clients joined.`;

/** Joins the group over `--dist-init-addr`; resolves when all `nnodes` servers are there, rejects after `--dist-timeout`. */
export async function joinGroup(settings: EngineSettings, events: GroupEvents): Promise<Group> {
  if (settings.nnodes === 1)
    return { loaded: async () => {}, step: events.localStep, shutdown: () => {}, reset: () => {} };
  if (settings.dist === null) throw new Error("nnodes > 1 needs --dist-init-addr");
  return settings.nodeRank === 0 ? lead(settings, settings.dist, events) : follow(settings, settings.dist, events);
}

interface Link {
  socket: Socket;
  send(line: string): void;
}

function linkOf(socket: Socket, onLine: (line: string) => void, onClose: (why: string) => void): Link {
  socket.setNoDelay(true);
  socket.on("error", () => {});
  socket.on("close", () =>
    onClose(`Connection closed by peer [${socket.remoteAddress ?? "unknown"}]:${socket.remotePort ?? 0}`),
  );
  onLines(socket, onLine);
  return { socket, send: (line) => void (socket.destroyed || socket.write(`${line}\n`)) };
}

async function listen(address: { host: string; port: number }, deadline: number): Promise<Server> {
  for (;;) {
    const server = createServer();
    try {
      const { address: host } = await lookup(address.host);
      await new Promise<void>((resolve, reject) => server.once("error", reject).listen(address.port, host, resolve));
      return server;
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? "";
      if (!PASSING.includes(code) || Date.now() > deadline)
        throw new Error(
          `The server socket has failed to listen on any local network address. port: ${address.port}, ${code}`,
        );
      await sleep(CONNECT_RETRY_MS);
    }
  }
}

async function lead(
  settings: EngineSettings,
  dist: { host: string; port: number },
  events: GroupEvents,
): Promise<Group> {
  const started = Date.now();
  const server = await listen(dist, started + settings.distTimeoutMs);
  const peers = new Map<number, Link & { done: (() => void) | null }>();
  const loadedRanks = new Set<number>();
  let joined = () => {};
  let allLoaded = () => {};
  let over = false;
  const everyone = new Promise<void>((resolve) => {
    joined = resolve;
  });
  const everyoneLoaded = new Promise<void>((resolve) => {
    allLoaded = resolve;
  });
  server.on("connection", (socket) => {
    let rank = -1;
    const link = linkOf(
      socket,
      (line) => {
        const [word, value = "", world = ""] = line.split(" ");
        if (word === "hello") {
          // A server that was given another world size never counts, so the rest waits for its time-out.
          if (Number(world) !== settings.nnodes || peers.has(Number(value))) return;
          rank = Number(value);
          peers.set(rank, { ...link, done: null });
          if (peers.size === settings.nnodes - 1) joined();
        } else if (word === "loaded") {
          loadedRanks.add(rank);
          if (loadedRanks.size === settings.nnodes - 1) allLoaded();
        } else if (word === "d") peers.get(rank)?.done?.();
      },
      (why) => {
        if (rank < 0 || over) return;
        // Before the group is complete a lost client only means that the store waits on.
        if (peers.size < settings.nnodes - 1) peers.delete(rank);
        else events.onBroken(why);
      },
    );
  });
  await within(everyone, settings.distTimeoutMs, () =>
    timeoutText(peers.size + 1, settings.nnodes, settings.distTimeoutMs),
  );
  for (const peer of peers.values()) peer.send("go");
  return {
    loaded: async () => {
      await within(everyoneLoaded, settings.env.barrierMs, () => barrierText(settings.env.barrierMs));
      for (const peer of peers.values()) peer.send("ready");
    },
    step: async () => {
      const answers = [...peers.values()].map(
        (peer) =>
          new Promise<void>((resolve) => {
            peer.done = resolve;
            peer.send("s");
          }),
      );
      await Promise.all([events.localStep(), ...answers]);
    },
    shutdown: () => {
      over = true;
      for (const peer of peers.values()) peer.send("shutdown");
    },
    reset: () => {
      over = true;
      for (const peer of peers.values()) peer.socket.resetAndDestroy();
      server.close();
    },
  };
}

async function follow(
  settings: EngineSettings,
  dist: { host: string; port: number },
  events: GroupEvents,
): Promise<Group> {
  let go = () => {};
  let ready = () => {};
  let over = false;
  const started = new Promise<void>((resolve) => {
    go = resolve;
  });
  const released = new Promise<void>((resolve) => {
    ready = resolve;
  });
  const link = linkOf(
    await connect(dist, settings),
    (line) => {
      if (line === "s") void events.localStep().then(() => link.send("d"));
      else if (line === "go") go();
      else if (line === "ready") ready();
      else if (line === "shutdown") {
        over = true;
        events.onShutdown();
      }
    },
    (why) => {
      if (!over) events.onBroken(why);
    },
  );
  link.send(`hello ${settings.nodeRank} ${settings.nnodes}`);
  await within(started, settings.distTimeoutMs, () => timeoutText(1, settings.nnodes, settings.distTimeoutMs));
  return {
    loaded: () => {
      link.send("loaded");
      return within(released, settings.env.barrierMs, () => barrierText(settings.env.barrierMs));
    },
    step: () => Promise.reject(new Error("only rank 0's server starts a step")),
    shutdown: () => {},
    reset: () => {
      over = true;
      link.socket.resetAndDestroy();
    },
  };
}

async function connect(address: { host: string; port: number }, settings: EngineSettings): Promise<Socket> {
  const deadline = Date.now() + settings.distTimeoutMs;
  for (;;) {
    const socket = createConnection(address);
    const refused = await new Promise<Error | null>((resolve) => {
      socket.once("connect", () => resolve(null));
      socket.once("error", resolve);
    });
    if (refused === null) return socket;
    socket.destroy();
    if (Date.now() > deadline) throw new Error(timeoutText(0, settings.nnodes, settings.distTimeoutMs));
    await sleep(CONNECT_RETRY_MS);
  }
}

const barrierText = (ms: number) =>
  `RuntimeError: Timed out waiting for all ranks to load weights within ${ms / 1000} s (monitored_barrier)`;

async function within(work: Promise<void>, ms: number, text: () => string): Promise<void> {
  const cancel = new AbortController();
  try {
    await Promise.race([
      work,
      sleep(Math.min(ms, 2 ** 31 - 1), undefined, { signal: cancel.signal }).then(() => {
        throw new Error(text());
      }),
    ]);
  } finally {
    cancel.abort();
  }
}
