import { setTimeout as delay } from "node:timers/promises";
import type { Arena } from "../arena.ts";
import { monotonicMs } from "../clock.ts";
import type { Front, Move } from "../front.ts";
import { ClockOffset } from "./clock-offset.ts";
import { type AdminEndpoint, type GatewayStatus, gatewayStatus } from "./gateway-status.ts";

const POLL_MS = 20;

export interface ClusterFrontOptions {
  baseUrl: string;
  apiKey: string;
  /** Through the address that moves: the replica that answers clients. */
  admin: AdminEndpoint;
  /** Told which group's leader the streams went to; it sees no request itself. */
  arena: Arena;
}

/** The gateway of a cluster, and what it says about its moves. */
export class ClusterFront implements Front {
  readonly baseUrl: string;
  readonly apiKey: string;
  readonly moves: Move[] = [];
  onMove: (move: Move) => void = () => {};
  /** Of the replica that answers clients; of two, the one that was quicker: servers of a cluster share their time. */
  readonly clock = new ClockOffset();
  readonly #admin: AdminEndpoint;
  readonly #arena: Arena;
  #active = "";
  #seen: string | null = null;
  #ended = false;
  #polling: Promise<void> | undefined;

  constructor({ baseUrl, apiKey, admin, arena }: ClusterFrontOptions) {
    this.#arena = arena;
    this.baseUrl = baseUrl;
    this.apiKey = apiKey;
    this.#admin = admin;
  }

  active(): string {
    return this.#active;
  }

  /** Resolves when nothing speaks against any group: a failover would work now. From then on moves are watched. */
  async ready({ timeoutMs, signal }: { timeoutMs: number; signal?: AbortSignal }): Promise<GatewayStatus> {
    const end = monotonicMs() + timeoutMs;
    let problem = "it has not answered";
    for (;;) {
      const status = await this.#ask(2_000).catch((error: Error) => error);
      if (status instanceof Error) {
        problem = status.message;
      } else {
        const against = Object.entries(status.groups).filter(([, { state }]) => state !== "clear");
        if (status.active !== null && against.length === 0) {
          this.#active = status.active;
          this.#seen = status.lastFailover?.at ?? null;
          if (!this.#ended) this.#polling ??= this.#poll();
          return status;
        }
        problem = against.map(([id, { reason }]) => `group ${id}: ${reason}`).join("; ") || status.reason;
      }
      if (monotonicMs() > end) throw new Error(`the gateway is not ready: ${problem}`);
      await delay(200, undefined, signal ? { signal } : {});
    }
  }

  async stop(): Promise<void> {
    this.#ended = true;
    await this.#polling;
  }

  async #poll(): Promise<void> {
    while (!this.#ended) {
      // A replica whose address is just moving answers at the next try.
      const status = await this.#ask(500).catch(() => undefined);
      const last = status?.lastFailover;
      if (last && last.at !== this.#seen) {
        this.#seen = last.at;
        this.#active = last.to;
        const wallMs = Date.parse(last.at) - this.clock.aheadMs;
        const move = { atMs: wallMs - Date.now() + monotonicMs(), to: last.to, reason: last.reason };
        this.moves.push(move);
        this.onMove(move);
        const server = this.#arena.groups.find(({ id }) => id === last.to)?.servers[0]?.name;
        if (server !== undefined) this.#arena.onRequest({ server, stream: null, atMs: move.atMs });
      }
      await delay(POLL_MS);
    }
  }

  async #ask(timeoutMs: number): Promise<GatewayStatus> {
    const askedMs = Date.now();
    const status = await gatewayStatus(this.#admin, timeoutMs);
    this.clock.heard(status.wallMs, askedMs, Date.now());
    return status;
  }
}
