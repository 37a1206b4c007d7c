import { mkdirSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { dirname } from "node:path";
import { type Faults, noFaults, type Order, parseOrder } from "./faults.ts";
import { onLines } from "./lines.ts";
import type { RankRing } from "./ranks.ts";

export interface Controlled {
  faults: Faults;
  ranks: RankRing;
  /** Raises an exception inside a scheduler. */
  raise(why: string): void;
  status(): Record<string, unknown>;
}

/**
 * Opens the unix socket by which drills switch faults on: one JSON line in, one JSON line out. Only root of this machine
 * reaches it; a path that cannot be used is reported and the engine serves without it.
 */
export function listenForOrders(path: string, controlled: Controlled): Server | null {
  try {
    mkdirSync(dirname(path), { recursive: true });
    rmSync(path, { force: true });
  } catch (error) {
    console.error(`emulator: no control socket at ${path}: ${String(error)}`);
    return null;
  }
  const server = createServer((socket) => {
    socket.on("error", () => {});
    onLines(socket, (line) => {
      let answer: Record<string, unknown>;
      try {
        answer = { ok: true, ...obey(parseOrder(line), controlled) };
      } catch (error) {
        answer = { ok: false, error: (error as Error).message };
      }
      socket.write(`${JSON.stringify(answer)}\n`);
    });
  });
  server.on("error", (error) => console.error(`emulator: no control socket at ${path}: ${error.message}`));
  const mask = process.umask(0o077);
  server.listen(path);
  process.umask(mask);
  server.unref();
  return server;
}

function obey(order: Order, { faults, ranks, raise, status }: Controlled): Record<string, unknown> {
  const atMs = Date.now();
  switch (order.kind) {
    case "status":
      return { atMs, faults, ...status() };
    case "clear":
      Object.assign(faults, noFaults());
      break;
    case "hang":
      faults.hang = true;
      break;
    case "slow":
      faults.slowFactor = order.factor;
      break;
    case "wrong-answer":
      faults.wrongEvery = order.every;
      break;
    case "poison":
      faults.poison = { marker: order.marker, atToken: order.atToken };
      break;
    case "exception":
      setImmediate(() => raise("exception ordered by the control socket"));
      break;
    case "crash-rank": {
      const rank = ranks.pids.find((one) => one.rank === order.rank);
      if (rank === undefined)
        throw new Error(
          `rank ${order.rank} is not on this server: want one of ${ranks.pids.map((one) => one.rank).join(", ")}`,
        );
      process.kill(rank.pid, order.signal);
      break;
    }
  }
  return { atMs };
}
