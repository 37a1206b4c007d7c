import { killIfThere } from "../../support/kill-tree.ts";
import { killWithChildren } from "../../support/strikes.ts";
import { runUp } from "./run-up.ts";

/** What is killed with SIGKILL, in the moment when a boundary is seen. */
export type Victim = "tandem" | "tandem and Pulumi" | "machine" | "daemon";

export interface Sweep {
  victim: Victim;
  /** In the order in which they were killed at. */
  killedAt: string[];
  /** Runs of `tandem up` in which nothing was killed, and that still did not end well: the last lines of each. */
  broken: string[];
  /** Of the run that finished the job last. */
  finishedSeconds: number;
}

/** Runs in a row that nothing struck and that failed all the same. */
const PATIENCE = 2;

/**
 * Kills the command at the first boundary of `tandem up` at which this sweep has not yet killed, and starts it again, until one
 * run goes through without a new boundary: each run has to overcome what the run before it has left.
 */
export async function sweep(victim: "tandem" | "tandem and Pulumi", spec: string, tell: (text: string) => void) {
  const done: Sweep = { victim, killedAt: [], broken: [], finishedSeconds: Number.NaN };
  for (;;) {
    const ran = await runUp(
      spec,
      ({ name }) => !done.killedAt.includes(name),
      async (_, pid) => {
        if (victim === "tandem") killIfThere(pid);
        else await killWithChildren(pid);
      },
    );
    tell(`${victim}: ${ran.struck?.name ?? "nothing new"}: exit ${ran.exitCode} after ${ran.seconds.toFixed(0)} s`);
    if (ran.struck !== undefined) done.killedAt.push(ran.struck.name);
    else if (ran.exitCode === 0) return { ...done, finishedSeconds: ran.seconds };
    else if (done.broken.push(ran.text.slice(-1_500)) >= PATIENCE) return done;
  }
}
