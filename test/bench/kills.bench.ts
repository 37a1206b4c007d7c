import { cpus, loadavg } from "node:os";
import { z } from "zod";
import { ensureEngine } from "../../src/machines/local/engine.ts";
import { listMachines } from "../../src/machines/local/machine.ts";
import { GATE, type GateStack, gateStack } from "../support/gate-stack.ts";
import { Journal } from "../support/journal.ts";
import type { Bench } from "./bench.ts";
import { thisCommit } from "./circumstances.ts";
import { table } from "./comparison/cells.ts";
import { strikes } from "./kills/strikes.ts";
import { type Sweep, sweep, type Victim } from "./kills/sweep.ts";
import { writeSection } from "./section.ts";

const ALL: readonly Victim[] = ["tandem", "tandem and Pulumi", "machine", "daemon"];
/** In Pulumi's last words, of a run that had something to do. */
const CHANGED = /^ +[+~-]+ \d+ (?:created|updated|deleted|replaced)/m;
const Nodes = z.object({
  items: z.array(
    z.object({ status: z.object({ conditions: z.array(z.object({ type: z.string(), status: z.string() })) }) }),
  ),
});

/**
 * `tandem up` of the local cluster, killed at every boundary that its output shows: the command, the command with Pulumi, the
 * machine that is worked on, and the container daemon. The next run has to finish the job each time. Some twenty
 * minutes; a kind that was played is kept, so that a bench that was ended goes on with the next. BENCH_FRESH=1 begins anew.
 */
export const bench: Bench = async () => {
  const journal = new Journal<Sweep & { left: number }>("kills");
  if (process.env.BENCH_FRESH === "1") journal.clear();
  for (const victim of ALL) {
    if (journal.entries.some((done) => done.victim === victim)) continue;
    // Each has a cluster of its own, with certificates of its own.
    const stack = gateStack();
    try {
      await down(stack);
      const done =
        victim === "machine" || victim === "daemon"
          ? await strikes(victim, { spec: stack.spec, stack: GATE, down: async () => void (await down(stack)), tell })
          : await sweep(victim, stack.spec, tell);
      for (const text of done.broken) tell(text);
      const again = await stack.tandem(["up", stack.spec]);
      if (again.exitCode !== 0 || CHANGED.test(again.text)) done.broken.push(again.text.slice(-1_500));
      const ready = await readyNodes(stack);
      if (ready !== 5) done.broken.push(`${ready} of 5 nodes are Ready`);
      journal.add({ ...done, left: await down(stack) });
    } finally {
      await down(stack);
      stack.end();
    }
  }
  const sweeps = journal.entries;
  await write(sweeps);
  const kills = sweeps.reduce((sum, { killedAt }) => sum + killedAt.length, 0);
  const broken = sweeps.reduce((sum, one) => sum + one.broken.length, 0);
  const left = sweeps.reduce((sum, one) => sum + one.left, 0);
  return [
    {
      what: "runs that did not finish the job after a kill",
      measured: broken,
      limit: 0,
      unit: "runs",
      how: `of ${kills}`,
    },
    { what: "machines left after tandem down", measured: left, limit: 0, unit: "runs", how: `${sweeps.length} times` },
  ];
};

async function readyNodes(stack: GateStack): Promise<number> {
  const { items } = Nodes.parse(await stack.kube().client.json({ method: "GET", path: "/api/v1/nodes" }));
  return items.filter(({ status }) =>
    status.conditions.some(({ type, status }) => type === "Ready" && status === "True"),
  ).length;
}

/** @returns machines that are still there */
async function down(stack: GateStack): Promise<number> {
  const { exitCode, text } = await stack.tandem(["down", stack.spec]);
  if (exitCode !== 0) throw new Error(`tandem down ended with ${exitCode}:\n${text.slice(-2_000)}`);
  const engine = await ensureEngine();
  try {
    return (await listMachines(engine, GATE)).length;
  } finally {
    await engine.api.close();
  }
}

async function write(sweeps: readonly Sweep[]): Promise<void> {
  const commit = await thisCommit();
  const names = [...new Set(sweeps.flatMap(({ killedAt }) => killedAt))];
  const head = ["boundary", ...sweeps.map(({ victim }) => victim)];
  const rows = names.map((name) => [name, ...sweeps.map(({ killedAt }) => (killedAt.includes(name) ? "killed" : "–"))]);
  const sums = sweeps.map(
    ({ victim, killedAt, broken, finishedSeconds }) =>
      `- ${victim}: killed ${killedAt.length} times; ${broken.length} runs of \`tandem up\` did not finish what a kill had left; ` +
      `the last one took ${finishedSeconds.toFixed(0)} s`,
  );
  const date = new Date().toISOString().slice(0, 10);
  const load = (loadavg()[0] ?? Number.NaN).toFixed(1);
  writeSection(
    "kills",
    [
      "## `tandem up`, killed everywhere",
      `Measured ${date} with Tandem ${commit} on ${cpus().length} × ${cpus()[0]?.model ?? "?"}, load average at the end ${load}. ` +
        "SIGKILL at each boundary that the command's own output shows. The command, alone or with its Pulumi, is killed at the first " +
        "boundary at which it was not killed before, and the next run goes on from what is left. A machine or the container daemon is " +
        "killed while the command runs, each time of a stack from nothing, and the next run has to finish. At the end one more run must change nothing, five nodes must be Ready, and " +
        "`tandem down` must leave no machine.",
      sums.join("\n"),
      table(head, rows),
    ].join("\n\n"),
  );
}

function tell(text: string): void {
  process.stderr.write(`  ${text}\n`);
}
