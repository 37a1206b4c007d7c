import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Arena } from "../../src/drill/arena.ts";
import { BUDGETS } from "../../src/drill/budgets.ts";
import { monotonicMs } from "../../src/drill/clock.ts";
import { type Moment, rehearseFault } from "../../src/drill/rehearsal.ts";
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
    world = await ReadinessWorld.start({ schedule: { ...FAST, look: 1_000 }, agents: AGENTS, deaf });
  });
  afterAll(async () => {
    await world?.close();
    expect(world?.errors ?? []).toEqual([]);
  });

  test.each(ROUNDS)(
    "%s: the proof gives way, and every stream goes on",
    async (fault) => {
      const gateway = await world.startGateway();
      try {
        let injectedMs = 0;
        const arena = inTheMiddle(world, () => {
          injectedMs = monotonicMs();
        });
        // The proof begins with the streams, and the fault waits for it.
        const tell = ({ kind }: Moment) => kind === "opened" && world.prober.changed("a test");
        const report = await rehearseFault(arena, gateway, {
          fault,
          streams: 20,
          answerTokens: { min: 280, max: 320 },
          tell,
        });
        const next = report.phases.find(({ phase }) => phase === "next token")?.seconds ?? Number.POSITIVE_INFINITY;
        const gaveWay = world.yields.find(({ atMs }) => atMs > injectedMs);
        if (runs !== undefined)
          console.log(
            `${fault}: decided after ${ms(gateway.moves[0]?.atMs, injectedMs)}, proof ended after ${ms(gaveWay?.atMs, injectedMs)} ` +
              `(${gaveWay?.reason}), next token after ${ms(1000 * next, 0)}`,
          );
        expect(report.streams).toMatchObject({ failures: [], perfect: 20 });
        if (deaf) return;
        expect(gaveWay?.atMs).toBeLessThan((gateway.moves[0]?.atMs ?? 0) + WITHIN_MS);
        // Times are judged where there is nothing else to do.
        if (runs !== undefined) expect(next).toBeLessThanOrEqual(BUDGETS[fault].max);
      } finally {
        await gateway.stop();
        await world.world.repairGroup(world.standby);
        await world.until(({ ready }) => ready, 60_000);
      }
    },
    120_000,
  );
});

const ms = (atMs: number | undefined, fromMs: number) => `${Math.round((atMs ?? Number.NaN) - fromMs)} ms`;

/** The fault comes while the standby reads the long prompt. */
function inTheMiddle({ world }: ReadinessWorld, onInjected: () => void): Arena {
  const reading = longPromptSent();
  return {
    plan: world.plan,
    groups: world.groups,
    set onRequest(listener: Arena["onRequest"]) {
      world.onRequest = listener;
    },
    async inject(fault, victim, random) {
      await reading;
      await sleep(100 * random());
      onInjected();
      return world.inject(fault, victim, random);
    },
  };
}

/** Resolves when a long prompt has left for an engine: the first is the standby's. */
function longPromptSent(): Promise<void> {
  const channel = "undici:request:bodySent";
  return new Promise((resolve) => {
    const seen = (message: unknown) => {
      const { request } = message as { request: { path: string; body: unknown } };
      if (request.path !== "/generate" || String(request.body).length < 20_000) return;
      unsubscribe(channel, seen);
      resolve();
    };
    subscribe(channel, seen);
  });
}
