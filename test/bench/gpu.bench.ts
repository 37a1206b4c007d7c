import { spawnSync } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import type { Evidence } from "../../src/health/evidence.ts";
import { here } from "../../src/machines/server/here.ts";
import { preflight } from "../../src/machines/server/preflight.ts";
import { AGENT_NODE_FLAGS } from "../../src/manifests/agent.ts";
import { AgentProcess, Listener, Machine } from "../agent/agent-process.ts";
import { bundledAgent, cpuSeconds, memoryMiB } from "./agent-costs.ts";
import type { Bench, Measurement } from "./bench.ts";
import { CudaEngine } from "./gpu/cuda-engine.ts";
import { rankEnds, type Stage } from "./gpu/rank-ends.ts";
import { smiQueries } from "./gpu/smi-queries.ts";

const QUIET_SECONDS = Number(process.env.BENCH_SECONDS ?? 60);
const KILLS = Number(process.env.BENCH_RUNS ?? 5);

/**
 * The agent on a server that has a real GPU: the real driver, its `nvidia-smi`, the kernel's own log, and ranks that
 * hold a CUDA context. Needs root, `nvidia-smi`, and a `python3` with torch and cupy. Resets nothing, sets nothing.
 */
export const bench: Bench = async () => {
  if (spawnSync("nvidia-smi", ["-L"]).status !== 0) {
    process.stderr.write("skipped: there is no GPU here that nvidia-smi can name\n");
    return [];
  }
  const { facts } = await preflight(here(), { role: "gpu", address: "127.0.0.1", gpus: 1, peers: [], ports: [] });
  process.stdout.write(`preflight: ${JSON.stringify({ gpus: facts.gpus, error: facts.gpuError })}\n`);
  const measured = smiQueries();

  await using machine = new Machine();
  const mark = `bench-${process.pid}`;
  const stage = { mark, folder: machine.folder };
  await using agent = await new AgentProcess(
    machine,
    {
      AGENT_PROC: "/proc",
      AGENT_KERNEL_LOG: "/dev/kmsg",
      AGENT_ENGINE_MATCH: mark,
      AGENT_ENGINE_URL: "off",
      AGENT_GROUP: "a",
      AGENT_NVIDIA_SMI: "nvidia-smi",
      AGENT_GPUS: String(facts.gpus.length),
    },
    [...AGENT_NODE_FLAGS, await bundledAgent(machine)],
  ).listening();
  using listener = new Listener(agent.url);
  const { evidence } = await listener.heard({ kind: "gpus" });
  process.stdout.write(`first sample: ${JSON.stringify(evidence)}\n`);
  measured.push(
    ...(await rankEnds(listener, stage, "SIGKILL", KILLS)),
    ...(await rankEnds(listener, stage, "SIGSEGV", 1)),
    await fault(listener, stage),
    ...(await quiet(agent)),
  );
  return measured;
};

/** A rank that writes where it must not → the driver's line in the kernel's log → the frame. */
async function fault(listener: Listener, { mark, folder }: Stage): Promise<Measurement> {
  await using engine = await CudaEngine.start(mark, 1, folder);
  await listener.heard({ kind: "rank", pid: engine.pid, state: "running" });
  const began = performance.now();
  engine.fault();
  const exit = await listener.heard({ kind: "rank", pid: engine.pid, state: "exited" }, 60_000);
  const lines = listener.evidence.flatMap(({ evidence }) => (evidence.kind === "kernel-log" ? [evidence] : []));
  for (const line of lines) process.stdout.write(`heard: ${JSON.stringify(line)}\n`);
  const xid = listener.frames.find(({ frame }) => frame.type === "evidence" && isXid(frame.evidence));
  process.stdout.write(`rank ended ${(exit.atMs - began).toFixed(0)} ms after the order\n`);
  return {
    what: "XID of an illegal access is heard before its rank has ended",
    measured: xid === undefined ? Number.POSITIVE_INFINITY : xid.atMs - exit.atMs,
    limit: 0,
    unit: "ms",
    how: `${lines.length} lines`,
  };
}

const isXid = (evidence: Evidence) => evidence.kind === "kernel-log" && evidence.line.kind === "xid";

async function quiet(agent: AgentProcess): Promise<Measurement[]> {
  const before = cpuSeconds(agent);
  const startMs = performance.now();
  await sleep(QUIET_SECONDS * 1_000);
  const share = ((cpuSeconds(agent) - before) / ((performance.now() - startMs) / 1_000)) * 100;
  const how = `${QUIET_SECONDS} s, real nvidia-smi and kernel log`;
  return [
    { what: "CPU of the agent", measured: share, limit: 2, unit: "%", how },
    { what: "its memory", measured: memoryMiB(agent), limit: 60, unit: "MiB", how: `VmHWM, ${how}` },
  ];
}
