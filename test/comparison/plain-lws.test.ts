import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { planServing } from "../../src/plan/plan-serving.ts";
import { parseSpec } from "../../src/spec/parse.ts";
import { openWithin } from "../bench/comparison/open-within.ts";
import { ROUND } from "../bench/comparison/round.ts";
import { plainManifests } from "../bench/plain-lws/manifests.ts";
import { type PlainOutcome, plainOutcome, risenOn } from "../bench/plain-lws/outcome.ts";
import { renderPlain } from "../bench/plain-lws/render.ts";
import type { PlainFacts } from "../bench/plain-lws/round.ts";
import { specText } from "../bench/plain-lws/stack.ts";
import { schemaProblems } from "../manifests/schemas/check.ts";
import { deafPort } from "../support/deaf-port.ts";
import { broken, FAULT_MS, request, whole } from "./records.ts";

interface PodTemplate {
  metadata: { labels: object };
  spec: Record<string, unknown> & { containers: [Record<string, unknown>] };
}

const text = specText(readFileSync("stacks/local.yaml", "utf8"));

function plan() {
  const parsed = parseSpec(text, "plain.yaml");
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  const planned = planServing(parsed.spec);
  if (!planned.ok) throw new Error(JSON.stringify(planned.problems));
  return planned.plan;
}

test("its stack is that of stacks/local.yaml under a name and on networks of its own", () => {
  const [own, local] = [parse(text), parse(readFileSync("stacks/local.yaml", "utf8"))];
  expect(own.name).toBe("plain");
  expect(text).not.toContain("10.231.");
  expect(own.network).toEqual({ ...local.network, podCidr: "10.226.0.0/16", serviceCidr: "10.227.0.0/16" });
  expect({ ...own.model, ...own.groups }).toEqual({ ...local.model, ...local.groups });
});

test("the groups have the example's probe and nothing that Tandem adds but its command line", () => {
  const made = plainManifests(plan(), { EMULATOR_DECODE_STEP_MS: "20" });
  expect(made.flatMap(schemaProblems)).toEqual([]);
  const sets = made.filter(({ kind }) => kind === "LeaderWorkerSet") as unknown as {
    spec: { leaderWorkerTemplate: { leaderTemplate: PodTemplate; workerTemplate: PodTemplate } };
  }[];
  expect(sets).toHaveLength(2);
  for (const { spec } of sets) {
    const { leaderTemplate, workerTemplate, ...rest } = spec.leaderWorkerTemplate;
    expect(rest).toEqual({ size: 2, restartPolicy: "RecreateGroupOnPodRestart" });
    for (const { spec: pod } of [leaderTemplate, workerTemplate]) {
      expect(Object.keys(pod)).toEqual(["hostNetwork", "dnsPolicy", "containers", "volumes"]);
      const [container] = pod.containers;
      for (const added of ["livenessProbe", "startupProbe", "lifecycle"]) expect(container).not.toHaveProperty(added);
      expect(container.env).toContainEqual({ name: "EMULATOR_DECODE_STEP_MS", value: "20" });
      expect(container.args).toContain("$(LWS_WORKER_INDEX)");
    }
    const probe = { tcpSocket: { port: "http" }, initialDelaySeconds: 15, periodSeconds: 10 };
    expect(leaderTemplate.spec.containers[0].readinessProbe).toEqual(probe);
    expect(workerTemplate.spec.containers[0]).not.toHaveProperty("readinessProbe");
  }
  expect(JSON.stringify(made)).not.toContain("tandem.dev/");
  // The Service finds both leaders, and no worker.
  expect(made.at(-1)).toMatchObject({ kind: "Service", spec: { selector: { app: "sglang", role: "leader" } } });
  expect(sets.map(({ spec }) => spec.leaderWorkerTemplate.workerTemplate.metadata.labels)).toEqual(
    Array(2).fill({ app: "sglang", role: "worker" }),
  );
});

test("a stream is on the one leader that has one more; what a leader did not say is no zero", () => {
  const counts = (a?: number, b?: number) =>
    new Map(Object.entries({ a, b }).flatMap(([name, count]) => (count === undefined ? [] : [[name, count] as const])));
  expect(risenOn(counts(2, 1), counts(2, 2))).toBe("b");
  expect(risenOn(counts(2, 1), counts(2, 1))).toBeNull();
  expect(risenOn(counts(2, 1), counts(3, 2))).toBeNull();
  expect(risenOn(counts(undefined, 1), counts(3, 1))).toBeNull();
  expect(risenOn(counts(2, 1), counts(undefined, 2))).toBe("b");
});

test("new requests count for as long as in the comparison; from when all were served is seen on all of them", () => {
  const inTenSeconds = ROUND.probeForMs / ROUND.probeEveryMs;
  const openedAt = (at: number) => FAULT_MS + at * ROUND.probeEveryMs;
  const refused = (at: number) => broken(`probe-${at}`, openedAt(at) + 5, "connection: refused", openedAt(at));
  const probes = Array.from({ length: inTenSeconds + 10 }, (_, at) =>
    at < inTenSeconds + 3 ? refused(at) : whole(`probe-${at}`, 0, openedAt(at)),
  );
  const facts: PlainFacts = {
    fault: "server-power",
    place: "rank 0",
    atMs: FAULT_MS,
    struck: ["gpu-a", "gpu-b"],
    requests: [{ server: "gpu-a", stream: "struck", atMs: 9_401 }],
    aloneSeconds: null,
    repairedSeconds: 31.5,
    contenders: [{ id: "plain-lws", streams: [broken("struck", 10_300, "connection: reset")], probes }],
  };
  expect(plainOutcome(facts)).toMatchObject({
    struck: 1,
    cutSeconds: [0.3],
    probes: inTenSeconds,
    probesFailed: inTenSeconds,
    allProbes: inTenSeconds + 10,
    allProbesFailed: inTenSeconds + 3,
    servedAfterSeconds: (openedAt(inTenSeconds + 3) - FAULT_MS) / 1_000,
    aloneSeconds: null,
    repairedSeconds: 31.5,
  });
});

test("a server that is silent on every level is left when the time is over, and not two minutes later", async () => {
  const port = await deafPort();
  try {
    const startMs = performance.now();
    const options = { baseUrl: `${port.url}/v1`, model: "deepseek-v3", idleTimeoutMs: 300 };
    const record = await openWithin(request("deaf"), options).ended;
    expect(record.status).toBeNull();
    expect(record.errors).toHaveLength(1);
    expect(performance.now() - startMs).toBeLessThan(10_000);
  } finally {
    await port.close();
  }
});

test("the section says of each fault what broke, and whether the group came back alone or after the repair", () => {
  const outcome: PlainOutcome = {
    id: "plain-lws",
    fault: "server-power",
    place: "rank 0",
    struck: 5,
    gapsSeconds: [],
    cutSeconds: [],
    silent: 5,
    othersBroken: 0,
    tokensLost: 900,
    tokensDoubled: 0,
    probes: 25,
    probesFailed: 12,
    allProbes: 200,
    allProbesFailed: 60,
    servedAfterSeconds: 44.4,
    slowestFirstTokenSeconds: 0.4,
    aloneSeconds: null,
    repairedSeconds: null,
  };
  const { repairedSeconds: _, ...unrepaired } = outcome;
  const section = renderPlain({
    date: "2026-11-28",
    commits: ["abc1234"],
    kubernetes: "v1.36.3",
    lws: "v0.9.0",
    machine: { cpus: 2, model: "CPU", kernel: "6.1" },
    loads: [3, 9],
    outcomes: [
      outcome,
      {
        ...unrepaired,
        fault: "rank-crash",
        silent: 0,
        cutSeconds: [0.2, 0.4],
        aloneSeconds: 38,
        servedAfterSeconds: null,
      },
    ],
    againSeconds: 120,
    probeSeconds: 80,
  });
  const rows = section.split("\n").filter((line) => line.startsWith("| "));
  expect(rows.map((row) => row.split("|").length)).toEqual(Array(rows.length).fill(rows[0]?.split("|").length));
  expect(rows[2]).toBe(
    "| server-power, server with rank 0 | 1 | 0 of 5 | 0 | 5 | 900, 0 | 12 of 25 | 44.4 s | 0.40 s | not in 120 s | not in 120 s |",
  );
  expect(rows[3]).toBe(
    "| rank-crash, server with rank 0 | 1 | 0 of 5 | 2, 0.20, 0.40 s | 0 | 900, 0 | 12 of 25 | not in 80 s | 0.40 s | 38.0 s | – |",
  );
  expect(section).toContain("120 of 400 failed");
});
