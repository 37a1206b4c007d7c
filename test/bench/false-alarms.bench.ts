import { setTimeout as sleep } from "node:timers/promises";
import type { GatewayProcess } from "../../src/drill/world/gateway-process.ts";
import { FAULT_CLASSES, type FaultClass } from "../../src/report/rehearsal.ts";
import { keepLoad } from "../support/keep-load.ts";
import { RehearsalSession } from "../support/rehearsal-session.ts";
import type { Bench, Measurement } from "./bench.ts";
import { DISTURBANCES, disturb } from "./false-alarms/disturbances.ts";

/** `BENCH_MINUTES=30 npm run bench false-alarms`; the issue asks for 30. */
const MINUTES = Number(process.env.BENCH_MINUTES ?? 3);
/** Real faults inside each disturbance. */
const RUNS = Number(process.env.BENCH_RUNS ?? 1);
const STREAMS = 20;
const EVERY_MS = 10_000;
const KILL_GATEWAY_EVERY_MS = 30_000;

/** What is no fault, under load, for long: no traffic moves and no request fails. A real fault in the midst of it does move. */
export const bench: Bench = async () => {
  const session = await RehearsalSession.start("deepseek-v3.1", { oneGateway: true });
  try {
    return [...(await quiet(session)), ...(await realFaults(session))];
  } finally {
    await session.close();
  }
};

async function quiet({ world }: RehearsalSession): Promise<Measurement[]> {
  const active = world.groups[0]?.id ?? "";
  const all = [await world.startGateway(active), await world.startGateway(active)];
  let alive: readonly GatewayProcess[] = [...all];
  const end = new AbortController();
  const killed = replaceGateways(
    async (victim) => {
      alive = alive.filter((one) => one !== victim);
      await victim.stop();
      // The sibling serves alone until this one is back and hears every agent.
      const next = await world.startGateway(active).catch(() => null);
      if (next === null) return;
      all.push(next);
      alive = [...alive, next];
    },
    () => alive,
    end.signal,
  );
  const door = (turn: number) => {
    const gateway = alive[turn % alive.length] as GatewayProcess;
    return { baseUrl: gateway.baseUrl, apiKey: gateway.apiKey, isThere: () => alive.includes(gateway) };
  };
  const load = keepLoad(world.plan, door, STREAMS, end.signal);
  const disturbed = disturb(world, () => active, EVERY_MS, end.signal);
  await sleep(MINUTES * 60_000);
  end.abort();
  const [tally, counts, kills] = [await load, await disturbed, await killed];
  for (const failure of tally.failed) process.stderr.write(`${failure}\n`);
  const moves = all.flatMap((gateway) => gateway.moves);
  for (const { reason, to } of moves) process.stderr.write(`moved to ${to}: ${reason}\n`);
  await Promise.all(all.map((gateway) => gateway.stop()));
  for (const [name, count] of Object.entries(counts)) process.stderr.write(`  ${count} × ${name}\n`);
  const how = `${MINUTES} min, ${tally.requests} requests, ${tally.tokens} tokens, ${sum(Object.values(counts))} disturbances, ${kills} gateways killed`;
  return [
    { what: "false alarms: moves of traffic", measured: moves.length, limit: 0, unit: "moves", how },
    { what: "false alarms: requests that failed", measured: tally.failed.length, limit: 0, unit: "requests", how },
    {
      what: "false alarms: requests in the hands of a killed gateway",
      measured: tally.inKilledHands,
      // All streams of one gateway, each time.
      limit: kills * STREAMS,
      unit: "requests",
      how,
    },
  ];
}

/** Kills one gateway after the other, as long as another one serves; returns how many. */
async function replaceGateways(
  replace: (victim: GatewayProcess) => Promise<void>,
  alive: () => readonly GatewayProcess[],
  signal: AbortSignal,
): Promise<number> {
  let kills = 0;
  for (;;) {
    await sleep(KILL_GATEWAY_EVERY_MS, undefined, { signal }).catch(() => {});
    if (signal.aborted) return kills;
    const [oldest] = alive();
    if (oldest === undefined || alive().length < 2) continue;
    kills += 1;
    await replace(oldest);
  }
}

/** The same build and the same limits: a fault while everything else happens too. */
async function realFaults(session: RehearsalSession): Promise<Measurement[]> {
  const rows: Measurement[] = [];
  for (const [at, [name, disturbance]] of Object.entries(DISTURBANCES).entries()) {
    let unmoved = 0;
    let broken = 0;
    const faults: FaultClass[] = [];
    for (let run = 0; run < RUNS; run++) {
      const fault = FAULT_CLASSES[(at + run) % FAULT_CLASSES.length] as FaultClass;
      faults.push(fault);
      let disturbing = Promise.resolve();
      const report = await session.round({
        fault,
        streams: STREAMS,
        idleTimeoutMs: 30_000,
        tell: (moment) => {
          if (moment.kind === "writing") disturbing = disturbance(session.world, session.active).catch(() => {});
        },
      });
      await disturbing;
      unmoved += report.to === null ? 1 : 0;
      broken += report.streams.streams - report.streams.perfect;
      for (const { stream, problems } of report.streams.failures)
        process.stderr.write(`${fault} inside ${name}: ${stream}: ${problems.join("; ")}\n`);
    }
    const how = `${RUNS} runs of ${STREAMS} streams: ${[...new Set(faults)].join(", ")}`;
    rows.push(
      { what: `a real fault inside "${name}": not acted on`, measured: unmoved, limit: 0, unit: "moves", how },
      { what: `a real fault inside "${name}": streams not whole`, measured: broken, limit: 0, unit: "streams", how },
    );
  }
  return rows;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
