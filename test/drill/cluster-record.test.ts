import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ClusterRecord } from "../../src/cli/drill/cluster-record.ts";
import { fetchRecord, rowOf } from "../../src/cli/drill/cluster-records.ts";
import { replayRecord } from "../../src/cli/drill/replay.ts";
import type { ServiceAccess } from "../../src/cli/service/access.ts";
import { readChoices, readPasses, readReport } from "../../src/drill/record/read-record.ts";
import type { DrillOutcome } from "../../src/drill/scenarios/run-drill.ts";
import { DEFAULT_TIMING } from "../../src/failover/choose/timing.ts";
import { choose } from "../../src/failover/choose.ts";
import { decide } from "../../src/failover/decide.ts";
import { DEFAULT_POLICY } from "../../src/failover/observed.ts";
import { type KubeClient, kubeClient } from "../../src/kube/client.ts";
import { packLines } from "../../src/kube/packed-lines.ts";
import { DRILL_STATE, type Drill, MAX_RECORD_CHARS } from "../../src/manifests/drill/resource.ts";
import { calm, worldOf } from "../failover/decide-world.ts";
import { view } from "../failover/views.ts";
import { MemoryApi } from "../kube/memory-api.ts";

const path = "/apis/tandem.dev/v1alpha1/namespaces/tandem-prod/drills";
const home = process.env.TANDEM_HOME;
let api: MemoryApi;
let client: KubeClient;
let folder: string;
const access = (): ServiceAccess => ({ stack: "prod", namespace: "tandem-prod", client, path: `${path}/../x` });
const only = () => api.list(path)[0] as unknown as Drill;

beforeAll(async () => {
  api = await MemoryApi.start();
  client = kubeClient(api.kubeconfig());
  folder = await mkdtemp(join(tmpdir(), "drills-"));
  process.env.TANDEM_HOME = folder;
});
afterAll(async () => {
  if (home === undefined) delete process.env.TANDEM_HOME;
  else process.env.TANDEM_HOME = home;
  await client.close();
  await api.close();
  await rm(folder, { recursive: true });
});

const observed = worldOf(calm).seen;
const pass = { wallMs: 1, observed, policy: DEFAULT_POLICY, held: [], decision: decide(observed) };
const outcome = {
  report: {
    format: 1,
    id: "2026-11-28T04-10-00Z-server-power",
    startedAt: "2026-11-28T04:10:00.000Z",
    passed: true,
    failures: [],
    reason: "gpu-a is silent",
    streams: { longestPauseSeconds: 0.91 },
  },
  evidence: [{ wallMs: 1, server: "gpu-a", frame: { type: "beat", seq: 7, monoMs: 1, wallMs: 1 } }],
  decisions: {
    timing: DEFAULT_TIMING,
    decisions: [{ wallMs: 1, changed: false, view: view(), choice: choose(view()) }],
  },
  records: [],
} as unknown as DrillOutcome;

describe("a drill on record in the cluster", () => {
  test("is there while it runs, keeps a second one away, and holds everything in the end", async () => {
    const first = new ClusterRecord(access(), 240_000);
    await first.assertAlone();
    const name = await first.begin("server-power", "gpu-a");
    expect(name).toMatch(/^\d{4}-\d\d-\d\dt\d\d-\d\d-\d\dz-server-power$/);
    expect(only()).toMatchObject({ spec: { service: "prod", kind: "drill", victim: "gpu-a" } });
    await expect(new ClusterRecord(access(), 240_000).assertAlone()).rejects.toMatchObject({ code: "E_DRILL_RUNNING" });
    // The reconciler's part comes when the drill says that it ends.
    const reconciler = packLines([pass], MAX_RECORD_CHARS);
    api.onChange = (at, object) => {
      if (object?.metadata.labels?.[DRILL_STATE] === "ending" && object.record === undefined)
        api.change(at, { record: { reconciler } });
    };
    expect(await first.passes()).toEqual([JSON.parse(JSON.stringify(pass))]);
    await first.end(outcome);
    expect(only().status).toMatchObject({ result: "Passed", gapSeconds: 0.91 });
    expect(only().metadata.labels?.[DRILL_STATE]).toBe("ended");
    expect(rowOf(only())).toMatchObject({ scenario: "server-power", result: "Passed", why: "gpu-a is silent" });
    await new ClusterRecord(access(), 240_000).assertAlone();
  });

  test("is fetched as a folder like any other, and replays", async () => {
    const record = await fetchRecord("prod", only());
    expect(await readReport(record)).toEqual(outcome.report);
    expect((await readChoices(record)).decisions).toHaveLength(1);
    expect(await readPasses(record)).toHaveLength(1);
    await replayRecord(record, {}, "json");
    await expect(replayRecord(record, { maxPerHours: 1 }, "json")).rejects.toMatchObject({ code: "E_THRESHOLD" });
  });

  test("one that was ended early says so, and has no report to fetch", async () => {
    api.drop(`${path}/${only().metadata.name}`);
    const drill = new ClusterRecord(access(), 240_000);
    await drill.begin("gpu-xid", "gpu-b");
    await drill.abort();
    expect(only().status?.result).toBe("Aborted");
    await expect(fetchRecord("prod", only())).rejects.toMatchObject({ code: "E_RECORD" });
  });
});
