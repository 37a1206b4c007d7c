import { loadavg } from "node:os";
import { type Engine, ensureEngine } from "../../src/machines/local/engine.ts";
import type { FaultClass } from "../../src/report/rehearsal.ts";
import { Journal } from "../support/journal.ts";
import type { Bench } from "./bench.ts";
import { thisCommit, thisMachine } from "./circumstances.ts";
import type { Place } from "./comparison/facts.ts";
import { type PlainOutcome, plainOutcome } from "./plain-lws/outcome.ts";
import { renderPlain } from "./plain-lws/render.ts";
import { AGAIN_MS, PROBE_FOR_MS, playPlainRound } from "./plain-lws/round.ts";
import { type PlainStack, plainStack } from "./plain-lws/stack.ts";
import { wellGroups } from "./plain-lws/well-groups.ts";
import { writeSection } from "./section.ts";

const FAULTS: readonly FaultClass[] = ["server-power", "rank-crash", "network-cut"];
const PLACES: readonly Place[] = ["rank 0", "another"];
/** Of each fault at each place; one costs two to eight minutes. */
const RUNS = Number(process.env.BENCH_RUNS ?? 1);
/** The stack stays for the next call. */
const KEEP = process.env.BENCH_KEEP === "1";
/** Rounds that could not be played, in a row, before this gives up. */
const PATIENCE = 2;

interface Entry {
  outcome: PlainOutcome;
  load: number;
  commit: string;
}

/**
 * What a Service before LeaderWorkerSets does about a fault, with nobody who looks after them. It makes a local stack of its
 * own (`plain`), takes everything of Tandem off it that acts, and takes the stack down at the end; other stacks stay as they
 * are. Each round is written down when it is over, so that a bench that was ended goes on where it stopped; BENCH_FRESH=1
 * begins anew.
 */
export const bench: Bench = async () => {
  const journal = new Journal<Entry>("plain-lws");
  if (process.env.BENCH_FRESH === "1") journal.clear();
  const cases = FAULTS.flatMap((fault) => PLACES.map((place) => ({ fault, place })));
  const of = ({ fault, place }: (typeof cases)[0]) =>
    journal.entries.filter(({ outcome }) => outcome.fault === fault && outcome.place === place);
  const commit = await thisCommit();
  const engine = await ensureEngine();
  let stack: PlainStack | undefined;
  try {
    stack = await plainStack();
    const kubernetes = await kubernetesOf(stack);
    let failures = 0;
    for (let run = 0; run < RUNS; run++)
      for (const one of cases) {
        if (of(one).length > run) continue;
        try {
          const outcome = await round(stack, engine, one.fault, one.place);
          journal.add({ outcome, load: loadavg()[0] ?? Number.NaN, commit });
          tell(JSON.stringify(outcome));
          failures = 0;
        } catch (error) {
          tell(`${one.fault}, ${one.place}: ${(error as Error).stack}`);
          if (++failures >= PATIENCE) throw error;
        }
      }
    // A part of them would take the place of the whole.
    if (cases.every((one) => of(one).length > 0)) write(journal.entries, kubernetes);
  } finally {
    if (!KEEP) await stack?.down();
    await engine.api.close();
  }
  const missing = cases.reduce((sum, one) => sum + Math.max(0, RUNS - of(one).length), 0);
  const how = `${journal.entries.length} rounds`;
  return [{ what: "rounds that were not played", measured: missing, limit: 0, unit: "moves", how }];
};

async function round(stack: PlainStack, engine: Engine, fault: FaultClass, place: Place): Promise<PlainOutcome> {
  await wellGroups(stack, engine, tell);
  return plainOutcome(await playPlainRound(stack, engine, fault, place));
}

async function kubernetesOf({ client }: PlainStack): Promise<string> {
  const { gitVersion } = await client.json<{ gitVersion: string }>({ method: "GET", path: "/version" });
  return gitVersion;
}

function write(entries: readonly Entry[], kubernetes: string): void {
  const section = renderPlain({
    date: new Date().toISOString().slice(0, 10),
    commits: [...new Set(entries.map(({ commit }) => commit))],
    kubernetes,
    // That of src/infra/data, which `tandem up` has applied.
    lws: "v0.9.0",
    machine: thisMachine(),
    loads: entries.map(({ load }) => load),
    outcomes: entries.map(({ outcome }) => outcome),
    againSeconds: AGAIN_MS / 1_000,
    probeSeconds: PROBE_FOR_MS / 1_000,
  });
  writeSection("plain-lws", section);
}

function tell(text: string): void {
  process.stderr.write(`  ${text}\n`);
}
