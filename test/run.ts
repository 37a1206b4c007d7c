import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { clusterObstacle } from "./support/cluster-obstacle.ts";
import { addTallies, countTests, type Tally, tallyOf } from "./support/tally.ts";

// `npm test`: everything, in the order in which a mistake is cheapest to find. Each stage prints its own time.
const node = process.execPath;
const vitest = "node_modules/vitest/vitest.mjs";
const started = Date.now();
const totals: Tally[] = [];

function say(line: string): void {
  process.stdout.write(`\n── ${line} (${Math.round((Date.now() - started) / 1000)} s)\n`);
}

/** One program that passes or fails as a whole counts as one test. */
async function check(title: string, file: string, args: readonly string[]): Promise<void> {
  say(title);
  const { exitCode } = await execa(file, args, { stdio: ["ignore", "inherit", "inherit"], reject: false });
  totals.push(exitCode === 0 ? { passed: 1, failed: 0, skipped: 0 } : { passed: 0, failed: 1, skipped: 0 });
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
  const { exitCode } = await execa(node, args, { stdio: ["ignore", "inherit", "inherit"], reject: false });
  totals.push(await tallyOf(report, exitCode ?? 1));
  await rm(report, { force: true });
}

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
  await suite("cluster");
  await check("the container daemon of the tests ends", node, ["test/support/end-engine.ts"]);
} else {
  const skipped = await countTests(node, vitest, "cluster");
  say(`cluster tests skipped: ${obstacle}`);
  totals.push({ passed: 0, failed: 0, skipped });
}

const { passed, failed, skipped } = addTallies(totals);
say("done");
process.stdout.write(`${passed} passed, ${failed} failed, ${skipped} skipped\n`);
process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
