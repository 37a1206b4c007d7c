import { describe, expect, test } from "vitest";
import { FLAGS } from "../../src/plan/flags/catalogue.ts";
import { flagValue, planned, servers } from "./good-spec.ts";

const SHORT = { "model.contextLength": 32768 };
/** One of each kind of layout; the points below must hold for all. */
const PLANS: Record<string, Record<string, unknown>> = {
  tp16: {},
  "tp16-ep16": { "engine.layout": "tp16-ep16" },
  "tp16-dp2": { "engine.layout": "tp16-dp2" },
  "dp16-ep16": { "engine.layout": "dp16-ep16" },
  "dp16-ep16-r32": { ...SHORT, "engine.layout": "dp16-ep16-r32" },
  "dp16-ep16 without RDMA": { "engine.layout": "dp16-ep16", "network.rdma": { kind: "none" } },
  "tp8-pp2": { "engine.layout": "tp8-pp2" },
  "tp16 with MTP": { "engine.speculative": true },
  "dp16-ep16 with MTP": { ...SHORT, "engine.layout": "dp16-ep16", "engine.speculative": true },
  "tp8 on one H200": { ...servers(1), "servers.gpu-a.gpu": "H200-141" },
  "tp8 AWQ": { ...servers(1), "model.preset": "deepseek-r1-0528-awq" },
  "tp8 W4AFP8": { ...servers(1), "model.preset": "deepseek-r1-0528-w4afp8" },
  "four servers": servers(4),
};
const each = Object.entries(PLANS);

/** Flags with the number that follows, of one command line. */
function read(changes: Record<string, unknown>) {
  const plan = planned(changes);
  const { args } = plan.launch.leader;
  const number = (flag: string) => Number(flagValue(args, flag));
  return { plan, args, number, has: (flag: string) => args.includes(flag) };
}

// The numbers are those of the list "must get right" for SGLang on two servers; the others concern manifests.
describe("must get right", () => {
  test.each(each)(
    "1, 2: full names of flags of the pinned release, none deprecated, none twice: %s",
    (_name, changes) => {
      const flags = read(changes).args.filter((word) => word.startsWith("--"));
      for (const flag of flags) expect([flag, FLAGS[flag]?.deprecated ?? "current"]).toEqual([flag, "current"]);
      expect(flags.every((flag) => Object.hasOwn(FLAGS, flag))).toBe(true);
      expect(new Set(flags).size).toBe(flags.length);
    },
  );

  test.each(each)("3: tp × pp is every GPU of the group, and divides over the servers: %s", (_name, changes) => {
    const { plan, number } = read(changes);
    expect(number("--tp-size") * number("--pp-size")).toBe(plan.serversPerGroup * plan.gpusPerServer);
    expect((number("--tp-size") * number("--pp-size")) % number("--nnodes")).toBe(0);
    expect(number("--nnodes")).toBe(plan.serversPerGroup);
  });

  test.each(each)(
    "4: an all-to-all backend spans all ranks, and the expert size is always written: %s",
    (_name, changes) => {
      const { args, number } = read(changes);
      expect(number("--ep-size")).toBeGreaterThanOrEqual(1);
      if (flagValue(args, "--moe-a2a-backend") !== undefined) expect(number("--ep-size")).toBe(number("--tp-size"));
    },
  );

  test("5: 256 experts and the redundant ones divide over the ranks, with EPLB to move them", () => {
    const { number, has } = read({ ...SHORT, "engine.layout": "dp16-ep16-r32" });
    expect((256 + number("--ep-num-redundant-experts")) % number("--ep-size")).toBe(0);
    expect(has("--enable-eplb")).toBe(true);
    expect(read({}).has("--ep-num-redundant-experts")).toBe(false);
  });

  test.each([
    ["dp16-ep16", 16, 4096],
    ["tp16-dp2", 2, 8192],
  ])("6: attention DP by its new flag, the chunk multiplied by it: %s", (layout, dp, perRank) => {
    const { number, has } = read({ "engine.layout": layout });
    expect(number("--attn-dp-size")).toBe(dp);
    expect(has("--enable-dp-attention") || has("--dp-size")).toBe(false);
    expect(number("--tp-size") % dp).toBe(0);
    expect(number("--chunked-prefill-size")).toBe(dp * perRank);
  });

  test("6: DeepEP comes with all its companions, and they with it alone", () => {
    const companions = ["--moe-a2a-backend", "--deepep-mode", "--enable-dp-lm-head", "--moe-dense-tp-size"];
    const on = read({ "engine.layout": "dp16-ep16" });
    expect(companions.filter((flag) => !on.has(flag))).toEqual([]);
    expect(on.number("--moe-dense-tp-size")).toBe(1);
    for (const changes of [{}, { "engine.layout": "tp16-dp2" }, { "engine.layout": "tp8-pp2" }])
      expect(companions.filter((flag) => read(changes).has(flag))).toEqual([]);
  });

  test.each(each)("7: memory fraction, graph batch and running requests are always written: %s", (_name, changes) => {
    const { plan, number } = read(changes);
    expect(number("--mem-fraction-static")).toBe(plan.memory.memFractionStatic);
    expect(number("--cuda-graph-max-bs-decode")).toBe(
      Math.ceil(number("--max-running-requests") / plan.layout.dataParallel),
    );
  });

  test.each([64, 256, 1000, 4096, 16384])(
    "8: DeepEP's dispatch limit holds a rank's batch: %i requests",
    (requests) => {
      const { plan, number } = read({ ...SHORT, "engine.layout": "dp16-ep16", "engine.maxRunningRequests": requests });
      const limit = Number(plan.env.SGLANG_DEEPEP_NUM_MAX_DISPATCH_TOKENS_PER_RANK);
      expect(number("--cuda-graph-max-bs-decode")).toBeLessThanOrEqual(limit);
      expect(limit).toBeLessThanOrEqual(1024);
    },
  );

  test("8: draft tokens count", () => {
    const { plan, number } = read(PLANS["dp16-ep16 with MTP"] ?? {});
    const limit = Number(plan.env.SGLANG_DEEPEP_NUM_MAX_DISPATCH_TOKENS_PER_RANK);
    expect(number("--cuda-graph-max-bs-decode") * 4).toBeLessThanOrEqual(limit);
  });

  test.each(each)("9: the context fits the pool of one attention rank: %s", (_name, changes) => {
    const { plan, number } = read(changes);
    expect(number("--context-length")).toBeLessThanOrEqual(plan.memory.kvTokens / plan.layout.dataParallel);
  });

  test.each([
    ["deepseek-v3", undefined],
    ["deepseek-r1-0528-awq", "moe_wna16"],
    ["deepseek-r1-0528-w4afp8", undefined],
  ])("10: no --quantization on a checkpoint that says it itself; the KV type always: %s", (preset, quantization) => {
    const { args } = read({ "model.preset": preset });
    expect(flagValue(args, "--quantization")).toBe(quantization);
    expect(flagValue(args, "--kv-cache-dtype")).toBe("bfloat16");
  });

  // Found with the released argument code: trtllm_mla, the backend of Blackwell, refuses the long name.
  test.each([
    ["B200-180", "bf16"],
    ["H200-141", "bfloat16"],
  ])("the KV type is said as the attention backend of %s knows it", (gpu, name) => {
    const kinds = Object.fromEntries(["a", "b", "c", "d"].map((id) => [`servers.gpu-${id}.gpu`, gpu]));
    expect(flagValue(read(kinds).args, "--kv-cache-dtype")).toBe(name);
  });

  test.each(each)(
    "11, 12, 13: the same line on every rank, but for the rank; reachable; by the leader's name: %s",
    (_name, changes) => {
      const { plan, args } = read(changes);
      expect(plan.launch.worker.args).toEqual(args);
      expect(flagValue(args, "--node-rank")).toBe("$(LWS_WORKER_INDEX)");
      expect(flagValue(args, "--dist-init-addr")).toBe("$(LWS_LEADER_ADDRESS):20000");
      expect(flagValue(args, "--host")).toBe("0.0.0.0");
      expect(flagValue(args, "--port")).toBe("8000");
      expect(flagValue(args, "--random-seed")).toMatch(/^\d+$/);
    },
  );

  test("14: P to P+13 and the HTTP port are reserved, outside what others hand out", () => {
    const { reserved } = planned().ports;
    expect(reserved).toEqual([8000, ...Array.from({ length: 14 }, (_, at) => 20000 + at)]);
  });

  test("21: exact interface and device lists; a GID for RoCE alone", () => {
    const roce = planned({ "network.rdma": { kind: "roce", devices: ["mlx5_0", "mlx5_1"], gidIndex: 3 } }).env;
    expect(roce).toMatchObject({
      GLOO_SOCKET_IFNAME: "ens10f0",
      NCCL_SOCKET_IFNAME: "=ens10f0",
      NCCL_IB_HCA: "=mlx5_0,mlx5_1",
      NCCL_IB_GID_INDEX: "3",
    });
    expect(planned().env).not.toHaveProperty("NCCL_IB_GID_INDEX");
    expect(planned({ "network.rdma": { kind: "none" } }).env).toMatchObject({ NCCL_IB_DISABLE: "1" });
    for (const name of ["NCCL_IB_TC", "NCCL_IB_SL", "NCCL_GRAPH_REGISTER"]) expect(roce).not.toHaveProperty(name);
  });

  test("22: patient while starting, quick while dying", () => {
    const { plan, number, has } = read({});
    expect(number("--dist-timeout")).toBe(1800);
    expect(number("--watchdog-timeout")).toBe(300);
    expect(has("--crash-dump-folder")).toBe(false);
    expect(plan.env).toMatchObject({
      SGLANG_KILLPG_ON_SCHEDULER_EXCEPTION: "1",
      SGLANG_WARMUP_TIMEOUT: "1800",
      SGLANG_CUDA_COREDUMP_BEFORE_CRASH: "0",
      SGLANG_PYSPY_DUMP_BEFORE_CRASH: "0",
    });
  });

  test("17: a start may take 45 minutes, its probe waits longer than /health does", () => {
    const { startup, leaderTerminationGraceSeconds, workerTerminationGraceSeconds } = planned().probes;
    expect(startup.periodSeconds * startup.failureThreshold).toBeGreaterThanOrEqual(2700);
    expect(startup.timeoutSeconds).toBeGreaterThanOrEqual(21);
    expect(workerTerminationGraceSeconds).toBeGreaterThanOrEqual(leaderTerminationGraceSeconds);
  });

  test("only servers of the stack may speak to SGLang's sockets, and every one of them", () => {
    expect(planned().env.SGLANG_ZMQ_ALLOWED_PEERS).toBe("127.0.0.1,10.0.0.11,10.0.0.12,10.0.0.13,10.0.0.14");
  });
});

test("the whole line of the simplest stack", () => {
  expect(planned().launch.leader.args.join(" ")).toBe(
    "python3 -m sglang.launch_server --model-path /models/deepseek-v3 --served-model-name deepseek-v3 " +
      "--trust-remote-code --host 0.0.0.0 --port 8000 --nnodes 2 --node-rank $(LWS_WORKER_INDEX) " +
      "--dist-init-addr $(LWS_LEADER_ADDRESS):20000 --dist-timeout 1800 --watchdog-timeout 300 --random-seed 42 " +
      "--tp-size 16 --pp-size 1 --ep-size 1 --context-length 65536 --kv-cache-dtype bfloat16 " +
      "--mem-fraction-static 0.85 --max-running-requests 128 --cuda-graph-max-bs-decode 128 " +
      "--chunked-prefill-size 8192 --tool-call-parser deepseekv3 --enable-cache-report --enable-metrics",
  );
});
