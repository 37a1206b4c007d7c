import type { ServingPlan } from "../../plan/serving-plan.ts";
import { rehearsalSummary } from "../../report/timeline.ts";
import { interrupted } from "../interrupted.ts";
import { loadPlan } from "../load-plan.ts";
import { phaseLines } from "../up/phases.ts";
import type { LoadedSpec } from "../up/update-stack.ts";
import { clusterObstacle } from "./cluster-obstacle.ts";
import { nextSteps, withoutCluster } from "./texts.ts";

export interface StartOptions {
  /** Absolute path of the spec. */
  file: string;
  once: boolean;
  yes: boolean;
}

const say = (line: string) => process.stderr.write(`${line}\n`);

/**
 * The whole way of `npm start`. Each part is a command of its own that can be run again; this only puts them in the order
 * in which a newcomer wants to see them.
 *
 * @returns false when the cluster or the drill did not do what it should; everything has been said then
 */
export async function start({ file, once, yes }: StartOptions): Promise<boolean> {
  const { plan, text } = loadPlan(file);
  const obstacle = clusterObstacle();
  if (obstacle !== null) {
    say(withoutCluster(obstacle));
    await rehearsal(plan);
    return true;
  }
  const { agreed, describeIntrusion, intrusionOf } = await import("./ask.ts");
  const machines = Object.keys(plan.spec.servers).length + Object.keys(plan.spec.controlPlane).length;
  const intrusion = await intrusionOf(machines);
  const question = `${machines} local machines become a Kubernetes cluster. On this computer that\n${describeIntrusion(intrusion)}`;
  if (!(await agreed(question, yes))) {
    say("nothing was changed");
    return true;
  }
  // While nothing is built yet, the failure that all of this is about can already be seen.
  const told = intrusion.tools.length === 0 || (await rehearsal(plan));
  const stood = await cluster({ plan, text, file });
  if (once) {
    const { takeDown } = await import("../up/take-down.ts");
    await takeDown(plan, file, phaseLines(say));
  } else if (stood) say(nextSteps(plan));
  return told && stood;
}

/** A server dies among processes of this machine: ten seconds, no root, no cluster. */
async function rehearsal(plan: ServingPlan): Promise<boolean> {
  const { rehearse } = await import("../rehearsal/rehearse.ts");
  const print = (line: string) => process.stdout.write(`${line}\n`);
  const report = await rehearse({ plan, fault: "server-power", streams: 20, print });
  print(`\n${rehearsalSummary(report)}\n`);
  return report.passed;
}

async function cluster(spec: LoadedSpec): Promise<boolean> {
  const { plan } = spec;
  const { ensureHostPrograms } = await import("../../machines/local/host-programs.ts");
  const { withStackLock } = await import("../../infra/stack/stack-lock.ts");
  const { leaveNoIdleEngine } = await import("../up/leave-no-idle-engine.ts");
  const { updateStack } = await import("../up/update-stack.ts");
  const { drillOnCluster } = await import("./drill-on-cluster.ts");
  const phase = phaseLines(say);
  const signal = interrupted();
  const work = async () => {
    await ensureHostPrograms({ onProgress: say, signal });
    if ((await updateStack(spec, phase, signal)) !== 0) {
      say("the cluster is not complete: the lines above say why; `npm start` goes on from here");
      return false;
    }
    return drillOnCluster(plan, { print: (line) => process.stdout.write(`${line}\n`), phase, signal });
  };
  return leaveNoIdleEngine(plan, say, () => withStackLock(plan.name, work));
}
