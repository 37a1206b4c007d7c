import { readFileSync, writeFileSync } from "node:fs";
import { percentile } from "../../src/drill/timing.ts";
import { ensureEngine } from "../../src/machines/local/engine.ts";
import { GATE, gateStack } from "../support/gate-stack.ts";
import { type LateWrites, lateWrites, leads } from "../support/late-writes.ts";
import { type PowerRound, powerRound } from "../support/power-round.ts";
import { ReconcilerRig } from "../support/reconciler-rig.ts";
import type { Bench, Measurement } from "./bench.ts";

/** Power cuts; each costs a minute with its rebuild. */
const RUNS = Number(process.env.BENCH_RUNS ?? 20);
/** Load time of the emulated engine with the time until its readiness is seen. */
const LOAD_SECONDS = 12;
/** After the last renewal, until another replica leads. */
const LEASE_SECONDS = 7;

/**
 * The power of a server of the active group is cut, with BMCs and a spare: how soon it is isolated, proven off, and every group
 * serves again. Plain Kubernetes with LeaderWorkerSet never recovers from this fault (watched for up to 467 s after its pods were
 * marked for deletion). Before that once with a leader that stands still past its lease, and the next one killed.
 */
export const bench: Bench = async () => {
  const stack = gateStack();
  const engine = await ensureEngine();
  const text = readFileSync(stack.spec, "utf8");
  const more = "  gpu-e: { address: 10.232.0.15, failureDomain: { rack: r3 } }\nspares: [gpu-e]\ncontrolPlane:";
  writeFileSync(stack.spec, text.replace("controlPlane:", more));
  let rig: ReconcilerRig | undefined;
  try {
    const up = await stack.tandem(["up", stack.spec]);
    if (up.exitCode !== 0) throw new Error(up.text.slice(-2000));
    rig = new ReconcilerRig(GATE, engine);
    await rig.prepare(["gpu-a", "gpu-b", "gpu-c", "gpu-d", "gpu-e"]);
    const late = await lateWrites(rig);
    process.stdout.write(`${JSON.stringify(late)}\n`);
    const replicas = [rig.start("first"), rig.start("second")];
    // The one that led until now was killed: until its lease has run out nobody would see the first fault.
    await rig.until("a replica leads", async () => (await Promise.all(replicas.map(leads))).includes(true), 30);
    const spareAgain = (server: string) => async () => (await rig?.quarantine(server)) === null;
    await rig.until("the dead server is the next spare", spareAgain(late.victim), 240);
    const rounds: PowerRound[] = [];
    for (let run = 0; run < RUNS; run++) {
      const round = await powerRound(rig, { bmc: true });
      process.stdout.write(`${JSON.stringify(round)}\n`);
      rounds.push(round);
      await rig.until("the dead server is the next spare", spareAgain(round.victim), 240);
    }
    return [...measurements(rounds), ...lateMeasurements(late)];
  } finally {
    await rig?.close();
    await stack.tandem(["down", stack.spec]);
    stack.end();
    await engine.api.close();
  }
};

function lateMeasurements({ late, adopted, fenced, redundant }: LateWrites): Measurement[] {
  const how = "its leader stopped past its lease at the fault, the next one killed after it had fenced";
  const one = (what: string, measured: number, limit: number): Measurement => ({
    what,
    measured,
    limit,
    unit: "s",
    how,
  });
  const taken = late.filter(({ status }) => status !== 409).length;
  return [
    one("adopted by the other replica", adopted, 10 + LEASE_SECONDS),
    one("fenced by the other replica", fenced, 15 + LEASE_SECONDS),
    one("redundant again", redundant, 30 + LOAD_SECONDS + 2 * LEASE_SECONDS),
    {
      what: "late writes that the API server took",
      measured: taken,
      limit: 0,
      unit: "requests",
      how: `of ${late.length}`,
    },
  ];
}

function measurements(rounds: readonly PowerRound[]): Measurement[] {
  const how = `${rounds.length} power cuts`;
  const of = (name: "adopted" | "isolated" | "fenced" | "redundant") =>
    rounds.map((round) => round[name] ?? Number.NaN);
  const line = (what: string, values: number[], limit: number): Measurement[] => [
    { what: `${what}, p50`, measured: percentile(values, 0.5), limit, unit: "s", how },
    { what: `${what}, max`, measured: Math.max(...values), limit, unit: "s", how },
  ];
  return [
    ...line("the word follows the gateways", of("adopted"), 10),
    ...line("old group isolated", of("isolated"), 10),
    ...line("dead server fenced by its BMC", of("fenced"), 15),
    ...line("redundant again, with a spare", of("redundant"), 30 + LOAD_SECONDS),
  ];
}
