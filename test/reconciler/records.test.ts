import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type RecordedPass, replayPasses } from "../../src/drill/record/replay-passes.ts";
import type { FailoverPolicy } from "../../src/failover/observed.ts";
import type { LiveObject } from "../../src/kube/objects.ts";
import { unpackLines } from "../../src/kube/packed-lines.ts";
import { DRILL, DRILL_STATE, type Drill, KEEP_DRILLS } from "../../src/manifests/drill/resource.ts";
import { notesOf } from "../../src/reconciler/observe/records.ts";
import type { HeardFrame } from "../../src/reconciler/records/flight-recorder.ts";
import type { DrillReport } from "../../src/report/drill.ts";
import { NAMESPACE, Stage } from "./stage.ts";

const DRILLS = `/apis/tandem.dev/v1alpha1/namespaces/${NAMESPACE}/drills`;
const minutes = (count: number) => new Date(Date.now() + count * 60_000).toISOString();

let stage: Stage;
const drills = () => stage.api.list(DRILLS) as unknown as Drill[];
const failovers = () => drills().filter(({ spec }) => spec.kind === "failover");
const ended = ({ metadata }: Drill) => metadata.labels?.[DRILL_STATE] === "ended";
const redundant = () => stage.condition("Redundant") === "True";

function putDrill(name: string, more: { state: string; startedAt: string; until: string }): void {
  stage.api.put(`${DRILLS}/${name}`, {
    ...DRILL,
    metadata: { labels: { [DRILL_STATE]: more.state, "tandem.dev/stack": "prod" } },
    spec: {
      service: "prod",
      kind: "drill",
      scenario: "server-power",
      victim: "gpu-c",
      by: "ann",
      startedAt: more.startedAt,
      until: more.until,
    },
  });
}

beforeAll(async () => {
  stage = await Stage.open();
  for (let at = 0; at < KEEP_DRILLS; at++)
    putDrill(`2026-01-${String(at + 1).padStart(2, "0")}t00-00-00z-old`, {
      state: "ended",
      startedAt: minutes(-100),
      until: minutes(-90),
    });
  stage.reconciler("r1");
  await stage.until("both groups serve", redundant);
}, 60_000);
afterAll(() => stage.close());

describe("a real failover", () => {
  test("is on record in the cluster, with what was heard, decided and done", async () => {
    stage.cutPower("gpu-a", "b");
    await stage.until("it is on record", () => failovers().length === 1);
    await stage.until("the record is complete", () => failovers().every(ended), 60_000);
    const [drill] = failovers() as [Drill];
    expect(drill.spec).toMatchObject({ service: "prod", scenario: "failover", by: "reconciler" });
    expect(drill.status?.result).toBe("Recovered");
    const report = JSON.parse(drill.status?.summary ?? "") as DrillReport;
    expect(report).toMatchObject({ scenario: "failover", from: "a", to: "b", victim: "gpu-a", passed: true });
    const times = report.phases.map(({ seconds }) => seconds);
    expect(times).not.toContain(null);
    expect(times).toEqual(times.toSorted((a, b) => Number(a) - Number(b)));
    // Nobody is asked to believe it: what the servers said is there, with its numbers.
    const evidence = unpackLines<HeardFrame>(drill.record?.evidence ?? "");
    expect(new Set(evidence.map(({ server }) => server))).toEqual(new Set(["gpu-a", "gpu-b", "gpu-c", "gpu-d"]));
    expect(evidence.every(({ frame }) => Number.isInteger(frame.seq))).toBe(true);
  });

  test("its decisions come out the same when they are made again; with other thresholds they do not", () => {
    const [drill] = failovers() as [Drill];
    const passes = unpackLines<RecordedPass>(drill.record?.reconciler ?? "");
    const actions = passes.flatMap(({ decision }) => (decision.kind === "act" ? [decision.action.kind] : []));
    for (const kind of ["set-active", "quarantine", "stop-group", "power-off", "start-group"])
      expect(actions, kind).toContain(kind);
    expect(replayPasses(passes).differences).toEqual([]);
    const altered: Partial<FailoverPolicy>[] = [{ confirmAfterMs: 60_000 }, { startWithinMs: 1 }];
    for (const policy of altered)
      expect(replayPasses(passes, policy).differences.length, JSON.stringify(policy)).toBeGreaterThan(0);
  });

  test("of many records the last are kept", async () => {
    await stage.until("pruned", () => drills().filter(ended).length === KEEP_DRILLS);
    const names = drills().map(({ metadata }) => metadata.name);
    expect(names.some((name) => name.includes("failover"))).toBe(true);
    expect(names).not.toContain("2026-01-01t00-00-00z-old");
  });
});

describe("a drill", () => {
  test("moves traffic without using up the failover budget, and gets the reconciler's part of its record", async () => {
    await stage.until("both groups serve", redundant, 60_000);
    putDrill("now", { state: "running", startedAt: minutes(0), until: minutes(10) });
    await new Promise((resolve) => setTimeout(resolve, 300));
    for (const gateway of stage.gateways) gateway.moveTo("a");
    await stage.until("adopted", () => stage.service.status?.active === "a");
    expect(stage.service.status?.moves.at(-1)).toMatchObject({ why: "adopt", drill: "now" });
    stage.api.change(`${DRILLS}/now`, { metadata: { labels: { [DRILL_STATE]: "ending" } } });
    await stage.until(
      "its part is there",
      () => stage.api.get<Drill>(`${DRILLS}/now`)?.record?.reconciler !== undefined,
    );
    const passes = unpackLines<RecordedPass>(stage.api.get<Drill>(`${DRILLS}/now`)?.record?.reconciler ?? "");
    expect(passes.at(-1)?.observed.failoversMs).toHaveLength(1);
    expect(failovers()).toHaveLength(1);
  });

  test("whose command was killed is closed when its time is over", async () => {
    stage.api.change(`${DRILLS}/now`, {
      metadata: { labels: { [DRILL_STATE]: "running" } },
      spec: { until: minutes(-1) },
    });
    await stage.until("closed", () => stage.api.get<Drill>(`${DRILLS}/now`)?.status?.result === "Aborted");
  });

  test("is no crash that the next one is compared with, and takes no restart of the group; a real one is, and does", async () => {
    const notes = () => {
      const set = stage.api.get<LiveObject>(
        `/apis/leaderworkerset.x-k8s.io/v1/namespaces/${NAMESPACE}/leaderworkersets/sglang-b`,
      );
      return notesOf(set);
    };
    const crash = async () => {
      await stage.until("both groups serve", redundant, 60_000);
      const { runSince } = notes();
      stage.servers.get("gpu-d")?.stopRanks();
      await stage.until("the group was stopped", () => notes().runSince !== runSince);
    };
    const { crashes, restarts } = notes();
    putDrill("crash", { state: "running", startedAt: minutes(0), until: minutes(10) });
    await new Promise((resolve) => setTimeout(resolve, 300));
    await crash();
    expect(notes()).toMatchObject({ crashes, restarts });
    stage.api.change(`${DRILLS}/crash`, { metadata: { labels: { [DRILL_STATE]: "ended" } } });
    await crash();
    expect(notes().crashes).toHaveLength(crashes.length + 1);
    expect(notes().restarts).toHaveLength(restarts.length + 1);
  });
});
