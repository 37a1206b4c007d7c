import { monotonicMs } from "../../drill/clock.ts";
import { rehearseFault } from "../../drill/rehearsal.ts";
import { World, type WorldGroup } from "../../drill/world/world.ts";
import { TandemError } from "../../errors.ts";
import type { ServingPlan } from "../../plan/serving-plan.ts";
import type { FaultClass, RehearsalReport } from "../../report/rehearsal.ts";
import { timelineEntry } from "../../report/timeline.ts";
import { groupText, momentText, type Told } from "./moment-text.ts";
import { assertTwoGroups } from "./two-groups.ts";

export interface RehearseOptions {
  plan: ServingPlan;
  fault: FaultClass;
  streams: number;
  victim?: string;
  /** Takes the lines of the story as it happens. */
  print(line: string): void;
}

/** Builds the world, lets the fault happen, and leaves nothing behind: not on failure, not on Ctrl-C. */
export async function rehearse({ plan, fault, streams, victim, print }: RehearseOptions): Promise<RehearsalReport> {
  refuse(plan, victim);
  // Since the person pressed Enter.
  const startedMs = monotonicMs() - process.uptime() * 1000;
  const seconds = () => (monotonicMs() - startedMs) / 1000;
  const { name, model, layout } = plan;
  const ranks = layout.tensorParallel * layout.pipelineParallel;
  print(`Rehearsal of ${name}: ${model.servedName} on ${layout.name}, everything on this machine, engines emulated\n`);
  const world = await World.create({ plan });
  const interruption = closeOnSignal(world);
  const say = ({ text, detail }: Told) => {
    if (!interruption.happened) print(timelineEntry(seconds(), text, detail));
  };
  try {
    const [first] = world.groups as [WorldGroup, ...WorldGroup[]];
    say({ text: `${world.servers.length} servers are cabled up` });
    await Promise.all(
      world.groups.map(async (group) => {
        await world.startGroup(group);
        say({ text: groupText(group, group === first ? "serves" : "stands by"), detail: `${ranks} ranks have loaded` });
      }),
    );
    const front = await world.startGateway(first.id);
    say({ text: `the gateway hears the agents of all ${world.servers.length} servers` });
    const report = await rehearseFault(world, front, {
      fault,
      streams,
      ...(victim === undefined ? {} : { victim }),
      tell: (moment) => say(momentText(moment)),
    });
    return { ...report, seconds: seconds() };
  } finally {
    await interruption.settle();
    await world.close();
  }
}

function refuse(plan: ServingPlan, victim: string | undefined): void {
  assertTwoGroups(plan);
  const serving = Object.values(plan.groups).find(({ role }) => role === "active")?.servers ?? [];
  if (victim !== undefined && !serving.includes(victim))
    throw new TandemError({
      code: "E_REHEARSAL_VICTIM",
      what: `${victim} is no server of the group that serves`,
      why: "a fault elsewhere interrupts nobody, so there would be nothing to carry on",
      fix: `name one of ${serving.join(", ")}`,
    });
}

/**
 * On Ctrl-C ends the world first and then this process, as the signal would have. What the streams say while their world
 * ends is nobody's story: `settle` does not return then.
 */
function closeOnSignal(world: World): { happened: boolean; settle(): Promise<void> } {
  const handlers = (["SIGINT", "SIGTERM", "SIGHUP"] as const).map((signal) => {
    const handler = () => {
      self.happened = true;
      void world.close().finally(() => process.kill(process.pid, signal));
    };
    process.once(signal, handler);
    return [signal, handler] as const;
  });
  const self = {
    happened: false,
    settle: async () => {
      if (self.happened) await new Promise(() => {});
      for (const [signal, handler] of handlers) process.removeListener(signal, handler);
    },
  };
  return self;
}
