import { rm } from "node:fs/promises";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { clusterObstacle } from "./support/cluster-obstacle.ts";
import { addTallies, countTests, type Tally, tallyOf, tallyOfCheck } from "./support/tally.ts";

// `npm test`: everything, in the order in which a mistake is cheapest to find. Each stage prints its own time.
const node = process.execPath;
const vitest = "node_modules/vitest/vitest.mjs";
const started = Date.now();
const totals: Tally[] = [];

// A terminal sends Ctrl-C to the whole group; a signal sent to this process alone must end what runs below it too.
const stop = new AbortController();
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => stop.abort(signal));

function say(line: string): void {
  process.stdout.write(`\n── ${line} (${Math.round((Date.now() - started) / 1000)} s)\n`);
}

/** After Ctrl-C nothing follows but the count of what was done. */
class Interrupted extends Error {}

/** Runs a program and answers its exit code, undefined if a signal ended it. */
async function run(file: string, args: readonly string[]): Promise<number | undefined> {
  const { exitCode } = await execa(file, args, {
    stdio: ["ignore", "inherit", "inherit"],
    reject: false,
    cancelSignal: stop.signal,
    // Vitest ends its workers, and they their processes, on SIGTERM as on Ctrl-C.
    forceKillAfterDelay: 30_000,
  });
  if (stop.signal.aborted) throw new Interrupted();
  return exitCode;
}

/** One program that passes or fails as a whole counts as one test. */
async function check(title: string, file: string, args: readonly string[]): Promise<void> {
  say(title);
  totals.push(tallyOfCheck(title, await run(file, args)));
}

async function suite(project: string): Promise<void> {
  say(`${project} tests`);
  const report = join(tmpdir(), `tandem-${process.pid}-${project}.json`);
  const args = [
    vitest,
    "run",
    "--project",
    project,
    "--reporter=default",
    "--reporter=json",
    `--outputFile.json=${report}`,
  ];
  try {
    totals.push(await tallyOf(project, report, await run(node, args)));
  } finally {
    await rm(report, { force: true });
  }
}

/** The daemon that the cluster tests shared; also after Ctrl-C, and not for it. */
async function endEngine(): Promise<void> {
  const title = "the container daemon of the tests ends";
  say(title);
  const { exitCode } = await execa(node, ["test/support/end-engine.ts"], {
    stdio: ["ignore", "inherit", "inherit"],
    reject: false,
    // Ctrl-C of a terminal reaches the whole group.
    detached: true,
  });
  totals.push(tallyOfCheck(title, exitCode));
}

async function everything(): Promise<void> {
  await check("types", node, ["node_modules/typescript/bin/tsc", "--noEmit"]);
  await check("style", node, ["test/lint.ts"]);
  await check("a browser for the tests of pages", node, ["test/support/install-browser.ts"]);
  await suite("unit");
  await suite("rehearsal");
  await suite("conformity");

  const obstacle = clusterObstacle();
  if (obstacle === null) {
    await check("programs of this computer", node, ["test/support/install-host-programs.ts"]);
    await check("tools", node, ["src/cli/main.ts", "tools", "install"]);
    try {
      await suite("cluster");
    } finally {
      await endEngine();
    }
  } else {
    const skipped = await countTests(node, vitest, "cluster");
    say(`cluster tests skipped: ${obstacle}`);
    totals.push({ passed: 0, failed: 0, skipped, failures: [] });
  }
}

try {
  await everything();
} catch (error) {
  if (!(error instanceof Interrupted)) throw error;
  totals.push({ passed: 0, failed: 1, skipped: 0, failures: [`interrupted by ${stop.signal.reason}`] });
}
const { passed, failed, skipped, failures } = addTallies(totals);
say("done");
// The report of each stage is far above, and what a machine keeps of a long output is its end.
for (const failure of failures) process.stdout.write(`failed: ${failure}\n`);
process.stdout.write(`${passed} passed, ${failed} failed, ${skipped} skipped\n`);
process.exitCode = stop.signal.aborted
  ? 128 + constants.signals[stop.signal.reason as NodeJS.Signals]
  : Number(failed > 0 || passed === 0);
