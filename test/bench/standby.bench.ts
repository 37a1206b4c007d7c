import { setTimeout as sleep } from "node:timers/promises";
import { withService } from "../../src/cli/service/access.ts";
import { stackAccess } from "../../src/cli/stack-access.ts";
import type { ModelService } from "../../src/manifests/model-service/resource.ts";
import { keepLoad } from "../support/keep-load.ts";
import { ownMemoryMiB } from "../support/own-memory.ts";
import type { Bench, Measurement } from "./bench.ts";

/** A stack that runs: `tandem up` first. */
const STACK = process.env.BENCH_STACK ?? "local";
/** `BENCH_MINUTES=30 npm run bench standby`; the issue asks for 30. */
const MINUTES = Number(process.env.BENCH_MINUTES ?? 3);
const STREAMS = Number(process.env.BENCH_STREAMS ?? 20);
const LOOK_EVERY_MS = 1_000;
/** Readiness is proved in turn; all rungs of a stack that was just made are within this. */
const GREEN_WITHIN_MS = 300_000;
/** Heaps have their size, and what a first proof leaves is there. */
const WARM_MS = 60_000;

interface Look {
  atMs: number;
  ready: boolean;
  epoch: number;
  why: string;
}

/** A healthy pair under load: its standby stays ready, nothing moves, no request fails, and no memory grows. */
export const bench: Bench = async () => {
  const { plan, record, apiKey } = await stackAccess(STACK);
  return withService({ stack: STACK }, async ({ client, path }) => {
    const look = async (): Promise<Look> => {
      const { status } = await client.json<ModelService>({ method: "GET", path });
      const { takeover, epoch = 0 } = status ?? {};
      return {
        atMs: performance.now(),
        ready: takeover?.ready === true,
        epoch,
        why: (takeover?.reasons ?? []).join("; "),
      };
    };
    for (const endMs = performance.now() + GREEN_WITHIN_MS; !(await look()).ready; await sleep(LOOK_EVERY_MS))
      if (performance.now() > endMs)
        throw new Error(`stack ${STACK} is not ready for a takeover: ${(await look()).why}`);
    const end = new AbortController();
    const door = { baseUrl: record.baseUrl, apiKey, isThere: () => true };
    const load = keepLoad(plan, () => door, STREAMS, end.signal);
    const looks: Look[] = [];
    let before = Number.NaN;
    for (
      const beganMs = performance.now();
      performance.now() - beganMs < MINUTES * 60_000;
      await sleep(LOOK_EVERY_MS)
    ) {
      const now = await look();
      if (!now.ready && looks.at(-1)?.why !== now.why) process.stderr.write(`  not ready: ${now.why}\n`);
      looks.push(now);
      if (Number.isNaN(before) && now.atMs - beganMs > WARM_MS) before = await ownMemoryMiB();
    }
    const after = await ownMemoryMiB();
    end.abort();
    const tally = await load;
    for (const failure of tally.failed) process.stderr.write(`  ${failure}\n`);
    return rowsOf(looks, tally, after - before);
  });
};

function rowsOf(looks: readonly Look[], tally: Awaited<ReturnType<typeof keepLoad>>, growthMiB: number): Measurement[] {
  const redMs = looks.reduce((sum, { ready, atMs }, at) => {
    const nextMs = looks[at + 1]?.atMs ?? atMs + LOOK_EVERY_MS;
    return ready ? sum : sum + nextMs - atMs;
  }, 0);
  const moves = (looks.at(-1)?.epoch ?? 0) - (looks[0]?.epoch ?? 0);
  const how = `${MINUTES} min, ${looks.length} looks, ${tally.requests} requests, ${tally.tokens} tokens`;
  return [
    { what: "a healthy standby was not ready", measured: redMs / 1_000, limit: 0, unit: "s", how },
    { what: "moves of traffic", measured: moves, limit: 0, unit: "moves", how },
    { what: "requests that failed", measured: tally.failed.length, limit: 0, unit: "requests", how },
    { what: "memory of all our programs, above that after a minute", measured: growthMiB, limit: 24, unit: "MiB", how },
  ];
}
