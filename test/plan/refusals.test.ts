import { describe, expect, test } from "vitest";
import { portProblems } from "../../src/plan/ports.ts";
import { planned, refused, servers, specOf } from "./good-spec.ts";

interface Refusal {
  changes: Record<string, unknown>;
  code: string;
  why: RegExp;
  /** What would work. */
  fix: RegExp;
}

const REFUSALS: Record<string, Refusal> = {
  "8+4 GPUs for FP8": {
    changes: { ...servers(2), "servers.gpu-b.gpus": 4 },
    code: "E_PLAN_UNEQUAL_SERVERS",
    why: /same number of ranks.*12 ranks do not divide the 128/,
    fix: /servers of 8 GPUs throughout; or gpu-a alone: .*4-bit.*tp8.*; or 2 servers of 8×H100-80.*tp16/,
  },
  "8+4 H200 for FP8: the eight alone are enough": {
    changes: {
      ...servers(2),
      "servers.gpu-a.gpu": "H200-141",
      "servers.gpu-b": undefined,
      "servers.gpu-b.address": "10.0.0.12",
      "servers.gpu-b.gpu": "H200-141",
      "servers.gpu-b.gpus": 4,
    },
    code: "E_PLAN_UNEQUAL_SERVERS",
    why: /same number of ranks/,
    fix: /gpu-a alone: layout auto: tp8/,
  },
  "FP8 on one 8×H100": {
    changes: servers(1),
    code: "E_PLAN_NO_LAYOUT",
    why: /nearest is tp8: weights take 79\.5 GiB per GPU/,
    fix: /w4afp8.*tp8.*2 servers of 8×H100-80.*tp16.*H200-141.*tp8/,
  },
  "6+6 GPUs": {
    changes: { ...servers(2), "servers.gpu-a.gpus": 6, "servers.gpu-b.gpus": 6 },
    code: "E_PLAN_NO_LAYOUT",
    why: /layouts were tried/,
    fix: /servers of 8 GPUs each: tp16/,
  },
  "TP32 FP8": {
    changes: { ...servers(4), "engine.layout": "tp32" },
    code: "E_PLAN_LAYOUT",
    why: /2048 over 32 ranks gives 64.*fp8_block_tp.*18432.*fp8_dense_tp/,
    fix: /dp32-ep32, tp16-pp2/,
  },
  TP12: {
    changes: { ...servers(2), "engine.layout": "tp12" },
    code: "E_PLAN_LAYOUT",
    why: /needs 12 GPUs.*heads_divisible/,
    fix: /tp16/,
  },
  "a word that is no layout": {
    changes: { "engine.layout": "tq16" },
    code: "E_PLAN_LAYOUT_NAME",
    why: /tp16, tp8-pp2/,
    fix: /did you mean tp16\?/,
  },
  "(256 + redundant) % ep": {
    changes: { "engine.layout": "dp16-ep16", "engine.redundantExperts": 20 },
    code: "E_PLAN_LAYOUT",
    why: /256 \+ 20 = 276.*use 16 or 32 redundant experts/,
    fix: /auto/,
  },
  "(256 + redundant) % ep, whatever the layout": {
    changes: { "engine.redundantExperts": 3 },
    code: "E_PLAN_NO_LAYOUT",
    why: /redundant experts/,
    fix: /redundantExperts 0: tp16.*redundantExperts 16/,
  },
  "a context longer than one rank's pool": {
    changes: { "engine.layout": "dp16-ep16", "model.contextLength": 140_000 },
    code: "E_PLAN_LAYOUT",
    why: /135,383; use model.contextLength 135,383 or less, engine.kvCacheDtype fp8_e4m3/,
    fix: /tp16/,
  },
  "a context longer than the model's": {
    changes: { "model.contextLength": 163_841 },
    code: "E_PLAN_CONTEXT",
    why: /ctx_over_model/,
    fix: /163840 or less/,
  },
  "GPUs of two kinds in a group": {
    changes: { ...servers(2), "servers.gpu-b.gpu": "H200-141" },
    code: "E_PLAN_MIXED_GPUS",
    why: /slowest GPU/,
    fix: /one kind/,
  },
  "a served name with a colon": {
    changes: { "model.servedName": "team:v3" },
    code: "E_PLAN_SERVED_NAME",
    why: /served_name/,
    fix: /without a colon/,
  },
};

describe("refused with the reason and what would work", () => {
  test.each(Object.entries(REFUSALS))("%s", (_name, { changes, code, why, fix }) => {
    const problems = refused(changes);
    const found = problems.find((problem) => problem.code === code);
    expect(found, problems.map((problem) => problem.code).join()).toBeDefined();
    expect(found?.why).toMatch(why);
    expect(found?.fix).toMatch(fix);
    expect(found?.path.length).toBeGreaterThan(0);
  });

  test("all reasons come at once", () => {
    const codes = refused({
      "network.ports": { http: 30000, dist: 25000 },
      "engine.layout": "tp12",
      "engine.extraArgs": ["--tp", "8"],
      "model.servedName": "a:b",
    }).map(({ code }) => code);
    expect(codes.toSorted()).toEqual([
      "E_PLAN_EXTRA_ARG",
      "E_PLAN_LAYOUT",
      "E_PLAN_PORT",
      "E_PLAN_PORT",
      "E_PLAN_SERVED_NAME",
    ]);
  });
});

describe("ports", () => {
  test.each<[string, Record<string, unknown>, string, RegExp]>([
    ["the system's", { http: 80 }, "http", /below 1024/],
    ["NodePorts", { http: 30000 }, "http", /NodePort/],
    ["the last NodePort", { http: 32767 }, "http", /NodePort/],
    ["ephemeral", { http: 40000 }, "http", /ephemeral/],
    ["SGLang's own range", { http: 22000 }, "http", /22000-29999/],
    ["the block reaches SGLang's range", { dist: 21987 }, "dist", /P\+13 is 22000/],
    ["kubelet", { http: 10250 }, "http", /kubelet/],
    ["etcd in the block", { dist: 2370 }, "dist", /2379 is used by etcd/],
    ["the gateway's port in the block", { dist: 8440 }, "dist", /8443 is used by the gateway/],
    ["http inside the block", { http: 20013 }, "http", /20000-20013/],
  ])("%s", (_name, ports, field, why) => {
    const problems = portProblems(specOf({ "network.ports": ports }));
    expect(problems.map(({ path }) => path.at(-1))).toContain(field);
    expect(problems.map((problem) => problem.why).join("\n")).toMatch(why);
    for (const { fix } of problems) expect(fix).toMatch(/use a port from 1024 to 21\d{3}/);
  });

  test("the edges that are still free", () => {
    const { ports } = planned({ "network.ports": { http: 1024, dist: 21986 } });
    expect(ports.reserved).toEqual([1024, ...Array.from({ length: 14 }, (_, at) => 21986 + at)]);
  });
});

describe("warned", () => {
  test.each<[string, Record<string, unknown>, RegExp]>([
    ["no RDMA between servers", { "network.rdma": { kind: "none" } }, /crosses servers over TCP/],
    ["a pool for one long request", { "engine.layout": "dp16-ep16", "model.contextLength": 100_000 }, /holds a single/],
    ["little head-room", { "engine.memFractionStatic": 0.91 }, /head-room is \d\.\d GiB/],
    ["a mixture that few run", { "engine.layout": "tp16-dp2" }, /less travelled/],
    ["pipelines", { "engine.layout": "tp8-pp2" }, /without overlap scheduling/],
    ["tool calls", {}, /--chat-template/],
    [
      "experts without DeepEP",
      { "engine.layout": "dp16-ep16", "network.rdma": { kind: "none" } },
      /by all-gather, without DeepEP/,
    ],
  ])("%s", (_name, changes, text) => {
    expect(planned(changes).warnings.filter((warning) => text.test(warning))).toHaveLength(1);
  });

  test("nothing where nothing is to be said", () => {
    const whole = { "network.rdma.resource": "rdma/hca" };
    expect(planned({ ...whole, "engine.extraArgs": ["--chat-template", "/models/t.jinja"] }).warnings).toEqual([]);
    expect(planned({ ...whole, "model.preset": "deepseek-r1" }).warnings).toEqual([]);
  });
});
