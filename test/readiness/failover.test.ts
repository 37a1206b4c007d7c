import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Arena } from "../../src/drill/arena.ts";
import { BUDGETS } from "../../src/drill/budgets.ts";
import { monotonicMs } from "../../src/drill/clock.ts";
import { rehearseFault } from "../../src/drill/rehearsal.ts";
import type { FaultClass } from "../../src/report/rehearsal.ts";
import { AGENTS, FAST, ReadinessWorld } from "./readiness-world.ts";

/** `TANDEM_PROOF_RUNS=5 TANDEM_PROOF_FAULTS=rank-crash,server-power` gives figures; with `TANDEM_PROOF_DEAF=1` proofs go on, as they once did. */
const { TANDEM_PROOF_RUNS: runs, TANDEM_PROOF_FAULTS: faults = "network-cut", TANDEM_PROOF_DEAF } = process.env;
const deaf = TANDEM_PROOF_DEAF === "1";
const ROUNDS = Array.from({ length: Number(runs ?? 1) }, () => faults.split(",") as FaultClass[]).flat();
/** From the gateway's move to the end of the proof, milliseconds; 100 on a machine that has nothing else to do. */
const WITHIN_MS = runs === undefined ? 300 : 100;

describe("a failover in the middle of a proof of production shapes", () => {
  let world: ReadinessWorld;
  beforeAll(async () => {
    world = await ReadinessWorld.start({
      schedule: { ...FAST, look: 1_000, answers: 1_000, shapes: 0 },
      agents: AGENTS,
      deaf,
    });
  });
  afterAll(async () => {
    await world?.close();
    expect(world?.errors ?? []).toEqual([]);
  });

  test.each(ROUNDS)(
    "%s: the proof gives way, and every stream goes on",
    async (fault) => {
      await world.until(({ ready }) => ready, 60_000);
      const gateway = await world.startGateway();
      try {
        let injectedMs = 0;
        const proof = new ProofWatch(world.standby.url);
        const arena = inTheMiddle(world, proof, () => {
          injectedMs = monotonicMs();
        });
        const report = await rehearseFault(arena, gateway, {
          fault,
          streams: 20,
          answerTokens: { min: 280, max: 320 },
        });
        const next = report.phases.find(({ phase }) => phase === "next token")?.seconds ?? Number.POSITIVE_INFINITY;
        proof.close();
        const gaveWay = world.yields.find(({ atMs }) => atMs > injectedMs);
        if (runs !== undefined)
          console.log(
            `${fault}: decided after ${ms(gateway.moves[0]?.atMs, injectedMs)}, proof ended after ${ms(gaveWay?.atMs, injectedMs)} ` +
              `(${gaveWay?.reason}), next token after ${ms(1000 * next, 0)}`,
          );
        expect(report.streams).toMatchObject({ failures: [], perfect: 20 });
        if (deaf) return;
        expect(proof.requestsAt((gateway.moves[0]?.atMs ?? 0) + WITHIN_MS)).toBe(0);
        // Times are judged where there is nothing else to do.
        if (runs !== undefined) expect(next).toBeLessThanOrEqual(BUDGETS[fault].max);
      } finally {
        await gateway.stop();
        await world.world.repairGroup(world.standby);
      }
    },
    120_000,
  );
});

const ms = (atMs: number | undefined, fromMs: number) => `${Math.round((atMs ?? Number.NaN) - fromMs)} ms`;

/** The fault comes while the standby reads the long prompt; production shapes are tried all the time. */
function inTheMiddle({ world }: ReadinessWorld, proof: ProofWatch, onInject: () => void): Arena {
  return {
    plan: world.plan,
    groups: world.groups,
    set onRequest(listener: Arena["onRequest"]) {
      world.onRequest = listener;
    },
    async inject(fault, victim, random) {
      await proof.longPrompt();
      await sleep(100 * random());
      onInject();
      return world.inject(fault, victim, random);
    },
  };
}

/** Follows the requests of the prober, which runs in this process, that one engine has in its hands. */
class ProofWatch {
  readonly #engine: string;
  readonly #open = new Set<unknown>();
  readonly #counts: { atMs: number; open: number }[] = [{ atMs: 0, open: 0 }];
  #onLong: () => void = () => {};
  readonly #channels: [string, (message: unknown) => void][] = [
    ["undici:request:bodySent", (message) => this.#note(message, true)],
    ["undici:request:trailers", (message) => this.#note(message, false)],
    ["undici:request:error", (message) => this.#note(message, false)],
  ];

  constructor(engine: string) {
    this.#engine = engine;
    for (const [name, seen] of this.#channels) subscribe(name, seen);
  }

  /** Resolves when the next long prompt has left. */
  longPrompt(): Promise<void> {
    return new Promise((resolve) => {
      this.#onLong = resolve;
    });
  }

  requestsAt(atMs: number): number {
    return this.#counts.findLast((count) => count.atMs <= atMs)?.open ?? 0;
  }

  close(): void {
    for (const [name, seen] of this.#channels) unsubscribe(name, seen);
  }

  #note(message: unknown, isSent: boolean): void {
    const { request } = message as { request: { origin: string | URL; path: string; body: unknown } };
    if (String(request.origin) !== this.#engine || request.path !== "/generate") return;
    if (isSent) this.#open.add(request);
    else this.#open.delete(request);
    this.#counts.push({ atMs: monotonicMs(), open: this.#open.size });
    if (isSent && String(request.body).length > 20_000) this.#onLong();
  }
}
