import { monotonicMs } from "../../drill/clock.ts";
import { collectEvidence } from "../../drill/record/collect-evidence.ts";
import { rehearsalAsDrill } from "../../drill/record/record-rehearsal.ts";
import { writeRecord } from "../../drill/record/write-record.ts";
import { type Moment, rehearseFault } from "../../drill/rehearsal.ts";
import type { GatewayDecisions } from "../../drill/scenarios/drill-arena.ts";
import { gatewayAdmin } from "../../drill/scenarios/gateway-admin.ts";
import type { StreamRecord } from "../../drill/stream-record.ts";
import { World, type WorldGroup } from "../../drill/world/world.ts";
import { TandemError } from "../../errors.ts";
import type { ServingPlan } from "../../plan/serving-plan.ts";
import type { DrillMoment } from "../../report/drill.ts";
import type { FaultClass, RehearsalReport } from "../../report/rehearsal.ts";
import { timelineEntry } from "../../report/timeline.ts";
import { onSignals } from "../../signals.ts";
import { groupText, momentText, type Told } from "./moment-text.ts";
import { assertTwoGroups } from "./two-groups.ts";

export interface RehearseOptions {
  plan: ServingPlan;
  fault: FaultClass;
  streams: number;
  victim?: string;
  /** Where the record of it is written; none is if left out. */
  records?: string;
  /** Takes the lines of the story as it happens. */
  print(line: string): void;
}

/** Choices of so long before the fault belong to the record: the gateway keeps half a minute. */
const LOOK_BACK_MS = 30_000;

/** Builds the world, lets the fault happen, and leaves nothing behind: not on failure, not on Ctrl-C. */
export async function rehearse(options: RehearseOptions): Promise<RehearsalReport & { record?: string }> {
  const { plan, fault, streams, victim, records, print } = options;
  refuse(plan, victim);
  const startedAt = new Date();
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
    const agents = world.servers.map(({ name: server, place }) => {
      return { server, url: `http://127.0.0.1:${place.reachedAt.agent}`, token: world.agentToken };
    });
    const collector = collectEvidence(records === undefined ? [] : agents);
    const seen = new Seen();
    const told = await rehearseFault(world, front, {
      fault,
      streams,
      ...(victim === undefined ? {} : { victim }),
      tell: (moment) => {
        seen.take(moment);
        say(momentText(moment));
      },
    }).finally(() => collector.stop());
    const report = { ...told, seconds: seconds() };
    if (records === undefined || interruption.happened) return report;
    const decisions = await gatewayAdmin<GatewayDecisions>(
      front.admin,
      `/decisions?since=${Date.now() - LOOK_BACK_MS}`,
    );
    const versions = { node: process.version, engine: "emulated" };
    const { streams: own, timeline } = seen;
    const drill = rehearsalAsDrill({
      report,
      startedAt,
      records: own,
      evidence: collector.heard(),
      decisions,
      timeline,
      versions,
    });
    return { ...report, record: await writeRecord(records, drill) };
  } finally {
    await interruption.settle();
    await world.close();
  }
}

/** What the record keeps of the story. */
class Seen {
  streams: readonly StreamRecord[] = [];
  readonly timeline: DrillMoment[] = [];
  #faultMs: number | null = null;

  take(moment: Moment): void {
    if (moment.kind === "opened") this.streams = moment.records;
    if (moment.kind === "fault") this.#faultMs = monotonicMs();
    if (this.#faultMs !== null)
      this.timeline.push({ seconds: (monotonicMs() - this.#faultMs) / 1000, ...momentText(moment) });
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
  const off = onSignals((signal) => {
    const end = () => {
      off();
      process.kill(process.pid, signal);
    };
    // A second one does not wait for the world.
    if (self.happened) return end();
    self.happened = true;
    void world.close().finally(end);
  });
  const self = {
    happened: false,
    settle: async () => {
      if (self.happened) await new Promise(() => {});
      off();
    },
  };
  return self;
}
