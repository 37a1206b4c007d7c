import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import {
  APP_FIELDS,
  GPU_FIELDS,
  gpuSamples,
  parseRows,
  ROW_FIELDS,
  unknownField,
} from "../../src/agent/gpus/parse-smi.ts";
import { AGENT_PROGRAMS } from "../../src/agent/programs.ts";
import type { Evidence } from "../../src/health/evidence.ts";
import { here } from "../../src/machines/server/here.ts";
import { preflight } from "../../src/machines/server/preflight.ts";
import { AGENT_NODE_FLAGS } from "../../src/manifests/agent.ts";
import { AgentProcess, Listener, Machine } from "../agent/agent-process.ts";
import { type Bench, type Measurement, median } from "./bench.ts";
import { CudaEngine } from "./gpu/cuda-engine.ts";

const QUIET_SECONDS = Number(process.env.BENCH_SECONDS ?? 60);
const KILLS = Number(process.env.BENCH_RUNS ?? 5);
/** GPU memory of a rank, of which a driver has to let go when it is killed. SGLang takes nine tenths. */
const RANK_GIB = Number(process.env.BENCH_RANK_GIB ?? 60);
const QUERIES = 20;

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
  const measured = queries();

  await using machine = new Machine();
  const mark = `bench-${process.pid}`;
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
    [...AGENT_NODE_FLAGS, await agentProgram(machine)],
  ).listening();
  using listener = new Listener(agent.url);
  const { evidence } = await listener.heard({ kind: "gpus" });
  process.stdout.write(`first sample: ${JSON.stringify(evidence)}\n`);
  measured.push(...(await kills(listener, mark)), await fault(listener, mark), ...(await quiet(agent)));
  return measured;
};

async function agentProgram(machine: Machine): Promise<string> {
  if (process.env.BENCH_AGENT !== undefined) return process.env.BENCH_AGENT;
  const [program] = AGENT_PROGRAMS;
  if (program === undefined) throw new Error("no program");
  const { bundleProgram } = await import("../../src/machines/images/bundle-program.ts");
  writeFileSync(machine.path("agent.cjs"), await bundleProgram(program.entry, { format: "cjs" }));
  return machine.path("agent.cjs");
}

/** Which fields the driver knows, which it leaves without a value, and how long an answer takes. */
function queries(): Measurement[] {
  let fields: string[] = [...GPU_FIELDS];
  const ask = (query: string, wanted: readonly string[]) => {
    const began = performance.now();
    const { stdout } = spawnSync(
      "nvidia-smi",
      [`--query-${query}=${wanted.join(",")}`, "--format=csv,noheader,nounits"],
      {
        encoding: "utf8",
      },
    );
    return { text: stdout, tookMs: performance.now() - began };
  };
  for (let unknown = unknownField(ask("gpu", fields).text); unknown !== null; ) {
    process.stdout.write(`this driver does not know ${unknown}\n`);
    fields = fields.filter((field) => field !== unknown);
    unknown = unknownField(ask("gpu", fields).text);
  }
  const took = { gpu: [] as number[], "remapped-rows": [] as number[], "compute-apps": [] as number[] };
  const texts: Record<string, string> = {};
  for (let run = 0; run < QUERIES; run++) {
    for (const [query, wanted] of [
      ["gpu", fields],
      ["remapped-rows", ROW_FIELDS],
      ["compute-apps", APP_FIELDS],
    ] as const) {
      const { text, tookMs } = ask(query, wanted);
      took[query].push(tookMs);
      texts[query] = text;
    }
  }
  process.stdout.write(`${JSON.stringify(texts)}\n`);
  const samples = gpuSamples(
    parseRows(texts.gpu ?? "", fields),
    parseRows(texts["remapped-rows"] ?? "", ROW_FIELDS),
    parseRows(texts["compute-apps"] ?? "", APP_FIELDS),
  );
  process.stdout.write(`${JSON.stringify(samples)}\n`);
  const missing = samples.flatMap((sample) =>
    Object.entries(sample).flatMap(([name, value]) => (value === null && name !== "nvlinksActive" ? [name] : [])),
  );
  if (missing.length > 0) process.stdout.write(`without a value: ${[...new Set(missing)].join(", ")}\n`);
  return Object.entries(took).map(([query, times]) => ({
    what: `nvidia-smi answers --query-${query}`,
    measured: Math.max(...times),
    limit: 8_000,
    unit: "ms",
    how: `longest of ${times.length}, median ${median(times).toFixed(0)} ms`,
  }));
}

/** SIGKILL to a rank that holds most of a GPU's memory → the frame; and how long the kernel then needs to bury it. */
async function kills(listener: Listener, mark: string): Promise<Measurement[]> {
  const seen: number[] = [];
  const buried: number[] = [];
  for (let run = 0; run < KILLS; run++) {
    await using engine = await CudaEngine.start(mark, RANK_GIB);
    const { pid } = engine;
    await listener.heard({ kind: "rank", pid, state: "running" });
    const killedMs = performance.now();
    process.kill(pid, "SIGKILL");
    const [exit] = await Promise.all([
      listener.heard({ kind: "rank", pid, state: "exited" }, 60_000),
      burial(pid).then((history) => {
        const lastMs = history.at(-1)?.atMs ?? killedMs;
        buried.push(lastMs - killedMs);
        const steps = history.map(({ atMs, state }) => `${state} at ${(atMs - killedMs).toFixed(0)} ms`);
        process.stdout.write(`rank killed: ${steps.join(", ")}\n`);
      }),
    ]);
    seen.push(exit.atMs - killedMs);
  }
  const how = (times: number[]) => `longest of ${times.length}, median ${median(times).toFixed(0)} ms, ${RANK_GIB} GiB`;
  return [
    {
      what: "rank with a CUDA context killed → frame",
      measured: Math.max(...seen),
      limit: 50,
      unit: "ms",
      how: how(seen),
    },
    { what: "the kernel has buried it", measured: Math.max(...buried), limit: 30_000, unit: "ms", how: how(buried) },
  ];
}

/** State and flags of a process until it is a zombie or gone, one entry a change. */
async function burial(pid: number): Promise<{ state: string; atMs: number }[]> {
  const history: { state: string; atMs: number }[] = [];
  for (;;) {
    let state = "gone";
    try {
      const [letter, , , , , , flags] =
        readFileSync(`/proc/${pid}/task/${pid}/stat`, "utf8").split(") ").at(-1)?.split(" ") ?? [];
      // include/linux/sched.h: PF_EXITING 0x4, PF_SIGNALED 0x400.
      state = `${letter}${Number(flags) & 0x4 ? " exiting" : ""}${Number(flags) & 0x400 ? " signaled" : ""}`;
    } catch {}
    if (state !== history.at(-1)?.state) history.push({ state, atMs: performance.now() });
    if (state === "gone" || state.startsWith("Z") || state.startsWith("X")) return history;
    await sleep(1);
  }
}

/** A rank that writes where it must not → the driver's line in the kernel's log → the frame. */
async function fault(listener: Listener, mark: string): Promise<Measurement> {
  await using engine = await CudaEngine.start(mark, 1);
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
  const rss = Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${agent.child.pid}/status`, "utf8"))?.[1]) / 1_024;
  return [
    { what: "CPU of the agent", measured: share, limit: 2, unit: "%", how },
    { what: "its memory", measured: rss, limit: 60, unit: "MiB", how: `VmHWM, ${how}` },
  ];
}

/** Its own time; that of its helpers is the driver's. Ticks of 10 ms. */
function cpuSeconds({ child }: AgentProcess): number {
  const fields = readFileSync(`/proc/${child.pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
}
