import { killDaemon, killMachine } from "../../support/strikes.ts";
import type { Boundary } from "./boundary.ts";
import { runUp } from "./run-up.ts";
import type { Sweep } from "./sweep.ts";

/** One of each kind of moment: a run that is struck here goes on by itself, so that each needs a stack from nothing. */
const CHOSEN = {
  machine: [
    "LocalMachine: created",
    "PreparedServer: image archives",
    "ControlPlaneNode: kubeadm init",
    "WorkerNode: kubeadm join",
    "WorkerNode: server ready",
  ],
  daemon: ["LocalMachine: boot", "LocalMachine: created", "ModelService: creating"],
} as const;

/** Kills a machine or the container daemon in the midst of `tandem up`; the run after it has to finish the job. */
export async function strikes(
  victim: "machine" | "daemon",
  { spec, stack, down, tell }: { spec: string; stack: string; down: () => Promise<void>; tell: (text: string) => void },
): Promise<Sweep> {
  const done: Sweep = { victim, killedAt: [], broken: [], finishedSeconds: Number.NaN };
  for (const name of CHOSEN[victim]) {
    await down();
    const strike = async ({ machine = "" }: Boundary) =>
      victim === "machine" ? killMachine(stack, machine) : killDaemon();
    const ran = await runUp(spec, (boundary) => boundary.name === name, strike);
    const next = await runUp(
      spec,
      () => false,
      async () => {},
    );
    tell(
      `${victim}: ${name}: exit ${ran.exitCode} after ${ran.seconds.toFixed(0)} s, then ${next.exitCode} after ${next.seconds.toFixed(0)} s`,
    );
    if (ran.struck === undefined) done.broken.push(`${name} was not seen`);
    else done.killedAt.push(name);
    const machine = ran.struck?.machine;
    if (victim === "machine" && ran.exitCode !== 0 && !ran.text.includes(String(machine)))
      done.broken.push(`${machine} was killed and is not named: ${ran.text.slice(-1_500)}`);
    if (next.exitCode !== 0) done.broken.push(`${name}: ${next.text.slice(-1_500)}`);
    done.finishedSeconds = next.seconds;
  }
  return done;
}
