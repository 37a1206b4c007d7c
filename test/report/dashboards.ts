import type { GpuSample } from "../../src/health/evidence.ts";
import { hearConnection } from "../../src/health/hear.ts";
import { type ServerEvidence, unheard } from "../../src/health/server-evidence.ts";
import { modelService } from "../../src/manifests/model-service/model-service.ts";
import type { ModelService, ModelServiceStatus } from "../../src/manifests/model-service/resource.ts";
import { heardTokens, NO_FLOW } from "../../src/report/dashboard/flow.ts";
import type { DashboardSources, GatewaySeen } from "../../src/report/dashboard/sources.ts";
import { hearFrame } from "../../src/stream/hear-frame.ts";
import { planned } from "../plan/good-spec.ts";
import { soundGpu } from "../support/gpu-sample.ts";

export const WALL_MS = Date.parse("2026-11-24T15:10:02.000Z");
export const MONO_MS = 600_000;
const at = (secondsAgo: number) => new Date(WALL_MS - secondsAgo * 1000).toISOString();

const RUNGS = [
  ["servers", "2 servers are heard"],
  ["gpus", "16 GPUs are there, none waits for a reset"],
  ["links", "16 ports are up"],
  ["pods", "2 pods are ready"],
  ["image", "all run sha256:5f1c"],
  ["flags", "the same as the active group's"],
  ["weights", "163 shards, 689 GB"],
  ["answers", "8 golden prompts answered alike"],
  ["speed", "18 ms a token"],
] as const;

/** A ModelService of the good spec with a status in which everything is well; a runs, b stands by. */
export function wellService(more: Partial<ModelServiceStatus> = {}): ModelService {
  const { spec, ...rest } = modelService(planned());
  const group = (id: string, role: "active" | "standby", servers: string[]) => ({
    id,
    role,
    servers,
    run: "serving" as const,
    since: at(11_520),
    verdict: "healthy" as const,
    reason: "nothing is wrong",
    revision: spec.revision,
  });
  const server = (name: string, id: string) => ({ name, group: id, verdict: "healthy" as const, reason: "" });
  const condition = (type: "Serving" | "Redundant" | "TakeoverReady") => ({
    type,
    status: "True" as const,
    reason: "x",
    message: "",
    lastTransitionTime: at(60),
  });
  return {
    ...rest,
    spec,
    status: {
      active: "a",
      standby: "b",
      epoch: 8,
      redundancy: "2/2 groups",
      groups: [group("a", "active", ["gpu-a", "gpu-b"]), group("b", "standby", ["gpu-c", "gpu-d"])],
      servers: [server("gpu-a", "a"), server("gpu-b", "a"), server("gpu-c", "b"), server("gpu-d", "b")],
      decision: { kind: "hold", reason: "all-well", detail: "a serves, b can take over", since: at(11_000) },
      moves: [
        { at: at(90_000), from: "a", to: "b", epoch: 7, why: "adopt", reason: "gpu-a is silent for 703 ms" },
        { at: at(11_520), from: "b", to: "a", epoch: 8, why: "switchover", reason: "jane asked for it" },
      ],
      takeover: {
        ready: true,
        reasons: [],
        rungs: RUNGS.map(([name, detail], index) => ({ name, ok: true, provenAt: at(index + 1), detail })),
      },
      conditions: [condition("Serving"), condition("Redundant"), condition("TakeoverReady")],
      ...more,
    },
  };
}

export function gpu(index: number, more: Partial<GpuSample> = {}): GpuSample {
  return soundGpu(index, { temperatureC: 52 + index, powerW: 410, processIds: [100 + index], ...more });
}

/** A server that is heard and has told of its eight GPUs. */
export function heardServer(
  server: string,
  gpus: GpuSample[] = Array.from({ length: 8 }, (_, index) => gpu(index)),
): ServerEvidence {
  const stamp = { monoMs: MONO_MS - 100, wallMs: WALL_MS - 100 };
  const hello = { server, bootId: "boot", agent: "agent", heartbeatMs: 250, start: "snapshot" as const, seq: 1 };
  const known = hearConnection(unheard(server), "connected", "snapshot", MONO_MS - 200);
  const greeted = hearFrame(known, { type: "hello", ...hello, ...stamp }, MONO_MS - 150);
  const evidence = { kind: "gpus" as const, expected: 8, found: gpus.length, gpus };
  return hearFrame(greeted, { type: "evidence", seq: 2, evidence, ...stamp }, MONO_MS - 100);
}

export function gatewaySeen(active: string | null, more: Partial<GatewaySeen["answer"]> = {}): GatewaySeen {
  const group = (id: string, servers: string[]) => ({
    servers,
    state: "clear",
    reason: "",
    requests: id === active ? 10 : 0,
  });
  return {
    agoMs: 100,
    answer: {
      active,
      standby: active === "a" ? "b" : "a",
      epoch: 8,
      choice: active === null ? "hold" : "use",
      reason: active === null ? "both groups are suspect" : `group ${active} serves`,
      model: "deepseek-v3",
      groups: { a: group("a", ["gpu-a", "gpu-b"]), b: group("b", ["gpu-c", "gpu-d"]) },
      lastFailover: null,
      gapMs: 21,
      ...more,
    },
  };
}

/** Everything is well, and 20 streams are written. */
export function wellSources(more: Partial<DashboardSources> = {}): DashboardSources {
  const service = wellService();
  let flow = NO_FLOW;
  for (
    let ms = MONO_MS - 60_000, total = 0;
    ms <= MONO_MS;
    ms += 500, total += 260 + Math.round(60 * Math.sin(ms / 4000))
  )
    flow = heardTokens(flow, "cp-1", { a: total, b: 0 }, ms);
  const names = ["gpu-a", "gpu-b", "gpu-c", "gpu-d"];
  return {
    stack: "prod",
    by: "reconciler-0",
    wallMs: WALL_MS,
    monoMs: MONO_MS,
    service,
    apiAgoMs: 400,
    gateways: Object.fromEntries(service.spec.gateways.map((url) => [url, gatewaySeen("a")])),
    evidence: new Map(names.map((name) => [name, heardServer(name)])),
    flow,
    drills: [
      {
        name: "2026-11-22t04-00-00z-server-power",
        scenario: "server-power",
        victim: "gpu-b",
        by: "ops@bastion",
        startedAt: at(200_000),
        result: "Passed",
        gapSeconds: 0.92,
      },
    ],
    ...more,
  };
}
