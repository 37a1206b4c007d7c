import { availableParallelism } from "node:os";
import { Command, InvalidArgumentError } from "commander";
import { onSignals } from "../../src/signals.ts";
import { draw } from "./faults/draw.ts";
import { MUTANTS } from "./mutants/mutants.ts";
import { runSeeds } from "./pool.ts";
import { coverageText, failuresText, progressLine, summaryText } from "./report.ts";
import { keepFailure, scenarioNames } from "./scenario.ts";
import { simulate } from "./simulate.ts";
import { coverageOf, type Tally } from "./tally.ts";

interface Options {
  seeds: number;
  from: number;
  workers: number;
  show?: number;
  mutants?: string | true;
  scenarios?: string | true;
  keep: number;
  coverage?: boolean;
  output: "text" | "json";
}

/** 0 all is well, 1 refused, 2 a rule was broken or a mutant lived, 3 interrupted. */
const REFUSED = 1;
const BROKEN = 2;
const INTERRUPTED = 3;

const whole = (least: number) => (text: string) => {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < least)
    throw new InvalidArgumentError(`want a whole number from ${least}`);
  return value;
};

const program = new Command("simulate")
  .description(
    "Runs the deciders of gateway and reconciler in simulated worlds and holds what they do against what is true.",
  )
  .option("--seeds <n>", "how many worlds (with --mutants: at most, for each)", whole(1), 1_000)
  .option("--from <seed>", "the first seed", whole(0), 1)
  .option("--workers <n>", "processes beside each other", whole(1), availableParallelism())
  .option("--show <seed>", "run one seed and print what happens in it", whole(0))
  .option("--mutants [name]", "change the production code by each known mutant, and count the seeds until it is caught")
  .option("--scenarios [name]", "run each kept scenario, or one, with the delays of so many other seeds")
  .option("--keep <n>", "write at most so many failing seeds, made small, to test/scenarios", whole(0), 3)
  .option("--coverage", "print how often each fault hit in each state and role, not only the rarest")
  .option("--output <form>", "text or json", "text")
  .addHelpText("after", "\nExit codes: 0 all is well, 1 refused, 2 a rule was broken or a mutant lived, 3 interrupted.")
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : REFUSED));

const options = program.parse().opts<Options>();
if (options.output !== "text" && options.output !== "json") {
  process.stderr.write(`--output ${options.output}: want text or json\n`);
  process.exit(REFUSED);
}
const isJson = options.output === "json";
const abort = new AbortController();
const off = onSignals(() => {
  process.stderr.write("\ninterrupted: the batches that run are ended, what was done follows\n");
  abort.abort();
  off("echoes");
});

if (options.show !== undefined) process.exitCode = show(options.show);
else if (options.scenarios !== undefined) process.exitCode = await retry(options.scenarios);
else if (options.mutants !== undefined) process.exitCode = await hunt(options.mutants);
else process.exitCode = await run();

function show(seed: number): number {
  const run = simulate(seed, draw(seed), true);
  if (isJson) print({ ...run, draw: draw(seed) });
  else process.stdout.write(`${JSON.stringify(draw(seed))}\n${run.transcript.join("\n")}\n${run.ending}\n`);
  return run.breaches.length > 0 ? BROKEN : 0;
}

async function run(): Promise<number> {
  const { seeds, from, workers } = options;
  const startMs = performance.now();
  let toldMs = startMs;
  const onProgress = (sum: Tally) => {
    const now = performance.now();
    if (now - toldMs < (process.stderr.isTTY ? 500 : 10_000)) return;
    toldMs = now;
    process.stderr.write(progressLine(sum, seeds, now - startMs, process.stderr.isTTY === true));
  };
  const sum = await runSeeds({ from, seeds, workers, signal: abort.signal, onProgress });
  const seconds = (performance.now() - startMs) / 1_000;
  const rules = [...new Map(sum.failures.map((failure) => [failure.rule, failure])).values()].slice(0, options.keep);
  const kept = rules.map(({ seed, rule }) => keepFailure(seed, rule));
  if (isJson) print({ ...sum, seconds, from, seeds, workers, kept, coverage: coverageOf(sum) });
  else {
    process.stdout.write(`${summaryText(sum, seconds)}\n${coverageText(sum, options.coverage === true)}\n`);
    if (sum.failures.length > 0) process.stdout.write(`${failuresText(sum)}\n`);
    for (const path of kept) process.stdout.write(`written: ${path}\n`);
  }
  if (sum.failures.length > 0) return BROKEN;
  return sum.runs < seeds ? INTERRUPTED : 0;
}

/** One that holds with one delay alone hides the next fault. */
async function retry(wanted: string | true): Promise<number> {
  const names = scenarioNames().filter((name) => wanted === true || name === `${wanted}.json`);
  if (names.length === 0) {
    process.stderr.write(`there is no scenario ${wanted} in test/scenarios\n`);
    return REFUSED;
  }
  const { seeds, from, workers } = options;
  const found: { name: string; runs: number; failures: Tally["failures"] }[] = [];
  for (const scenario of names) {
    const { runs, failures } = await runSeeds({ from, seeds, workers, scenario, signal: abort.signal });
    if (abort.signal.aborted) break;
    const name = scenario.replace(/\.json$/, "");
    found.push({ name, runs, failures });
    const told = failures.length === 0 ? "" : `: ${failures[0]?.rule} with seed ${failures[0]?.seed}`;
    if (!isJson) process.stdout.write(`${name.padEnd(52)} ${failures.length} of ${runs} broken${told}\n`);
  }
  if (isJson) print(found);
  if (abort.signal.aborted) return INTERRUPTED;
  return found.some(({ failures }) => failures.length > 0) ? BROKEN : 0;
}

async function hunt(wanted: string | true): Promise<number> {
  const list = MUTANTS.filter(({ name }) => wanted === true || name === wanted);
  if (list.length === 0) {
    process.stderr.write(`there is no mutant ${wanted}; there are: ${MUTANTS.map(({ name }) => name).join(", ")}\n`);
    return REFUSED;
  }
  const { seeds, from, workers } = options;
  const found: { name: string; caughtBySeed: number | null; seedsNeeded: number | null; rule: string | null }[] = [];
  for (const { name } of list) {
    if (abort.signal.aborted) break;
    const first = await catchMutant(name, { from, seeds, workers });
    const needed = first === undefined ? null : first.seed - from + 1;
    found.push({ name, caughtBySeed: first?.seed ?? null, seedsNeeded: needed, rule: first?.rule ?? null });
    const told = first === undefined ? `NOT caught in ${seeds} seeds` : `caught after ${needed} seeds (${first.rule})`;
    if (!isJson) process.stdout.write(`${name.padEnd(34)} ${told}\n`);
  }
  if (isJson) print(found);
  if (abort.signal.aborted) return INTERRUPTED;
  return found.some(({ caughtBySeed }) => caughtBySeed === null) ? BROKEN : 0;
}

/** The first seed that breaks with the mutant and not without it. */
async function catchMutant(mutant: string, { from, seeds, workers }: { from: number; seeds: number; workers: number }) {
  const end = from + seeds;
  for (let next = from; next < end; ) {
    const left = { from: next, seeds: end - next, workers };
    const sum = await runSeeds({ ...left, mutant, stopAtBreach: true, signal: abort.signal });
    const [first] = sum.failures;
    if (first === undefined || simulate(first.seed, draw(first.seed)).breaches.length === 0) return first;
    next = first.seed + 1;
  }
  return undefined;
}

function print(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
}
