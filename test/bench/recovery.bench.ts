import { readFileSync, writeFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { percentile } from "../../src/drill/timing.ts";
import { type Engine, ensureEngine } from "../../src/machines/local/engine.ts";
import { startPower } from "../../src/machines/local/faults.ts";
import { GATE, gateStack } from "../support/gate-stack.ts";
import { type LateWrites, lateWrites, leads } from "../support/late-writes.ts";
import { type PowerRound, powerRound } from "../support/power-round.ts";
import { isRedundant, ReconcilerRig } from "../support/reconciler-rig.ts";
import type { Bench, Measurement } from "./bench.ts";

/** Power cuts of each kind; each costs half a minute to a minute with its rebuild. */
const RUNS = Number(process.env.BENCH_RUNS ?? 20);
/** Load time of the emulated engine with the time until its readiness is seen. */
const LOAD_SECONDS = 12;
/** A local machine until its agent is heard. */
const BOOT_SECONDS = 10;
/** So long a dead server that nobody can prove off is watched to stay unused. */
const UNTOUCHED_MS = 5_000;
/** After the last renewal, until another replica leads. */
const LEASE_SECONDS = 7;

/**
 * The power of a server of the active group is cut, with BMCs and a spare: how soon it is isolated, proven off, and every group
 * serves again. Plain Kubernetes with LeaderWorkerSet never recovers from this fault (watched for up to 467 s after its pods were
 * marked for deletion). After that without BMC and spare: the dead server is not used until it was switched on by hand and was
 * heard empty. Before it all once with a leader that stands still past its lease, and the next one killed.
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
    return [...withSpare(rounds), ...alone(await withoutHelp(rig, engine)), ...lateMeasurements(late)];
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

/** No BMC and no spare: the same pair all along, and the one thing done by hand is to switch the dead server on again. */
async function withoutHelp(rig: ReconcilerRig, engine: Engine): Promise<PowerRound[]> {
  await rig.until("every group serves", isRedundant, 240);
  await rig.takeBmcs();
  const spare = (await rig.service()).status?.servers.find(({ group }) => (group ?? null) === null)?.name;
  if (spare === undefined) throw new Error("there is no spare that could be taken away");
  await rig.cordon(spare);
  const rounds: PowerRound[] = [];
  for (let run = 0; run < RUNS; run++) {
    const switchOn = async (victim: string) => {
      // So long nobody may use it, whatever Kubernetes thinks of its node.
      await delay(UNTOUCHED_MS);
      if ((await rig.quarantine(victim)) === null || isRedundant(await rig.service()))
        throw new Error(`${victim} is used again without a proof that it is empty`);
      return startPower(engine, rig.stack, victim);
    };
    const round = await powerRound(rig, { bmc: false, byHand: switchOn });
    process.stdout.write(`${JSON.stringify(round)}\n`);
    rounds.push(round);
  }
  return rounds;
}

function withSpare(rounds: readonly PowerRound[]): Measurement[] {
  const line = lineOf(rounds, "power cuts with BMCs and a spare");
  return [
    ...line("the word follows the gateways", ({ adopted }) => adopted, 10),
    ...line("old group isolated", ({ isolated }) => isolated, 10),
    ...line("dead server fenced by its BMC", ({ fenced }) => fenced, 15),
    ...line("redundant again, with a spare", ({ redundant }) => redundant, 30 + LOAD_SECONDS),
  ];
}

function alone(rounds: readonly PowerRound[]): Measurement[] {
  const line = lineOf(rounds, "power cuts without BMC and without spare");
  return [
    ...line("the word follows the gateways, alone", ({ adopted }) => adopted, 10),
    ...line("old group isolated, alone", ({ isolated }) => isolated, 10),
    ...line(
      "redundant again after the dead server was switched on",
      ({ redundantAfterHand }) => redundantAfterHand,
      BOOT_SECONDS + LOAD_SECONDS + 30,
    ),
  ];
}

function lineOf(rounds: readonly PowerRound[], of: string) {
  return (what: string, pick: (round: PowerRound) => number | null, limit: number): Measurement[] => {
    const values = rounds.map((round) => pick(round) ?? Number.NaN);
    const how = `${rounds.length} ${of}`;
    return [
      { what: `${what}, p50`, measured: percentile(values, 0.5), limit, unit: "s", how },
      { what: `${what}, max`, measured: Math.max(...values), limit, unit: "s", how },
    ];
  };
}
