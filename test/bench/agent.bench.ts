import { writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { writeInfiniband } from "../../src/emulator/gpu/infiniband.ts";
import { AGENT_NODE_FLAGS } from "../../src/manifests/agent.ts";
import { AgentProcess, FakeEngine, Listener, Machine } from "../agent/agent-process.ts";
import { bundledAgent, cpuSeconds, memoryMiB } from "./agent-costs.ts";
import { type Bench, type Measurement, median } from "./bench.ts";

const SMI = fileURLToPath(new URL("../../src/emulator/gpu/nvidia-smi.sh", import.meta.url));
const QUIET_SECONDS = 60;
const RANKS = 8;
const KILLS = Number(process.env.BENCH_RUNS ?? 200);
const LINES = KILLS;

/** One agent as it runs on a server: bundled, with everything it watches, and three subscribers. */
export const bench: Bench = async () => {
  await using machine = new Machine();
  writeInfiniband(machine.path("sys"), "gpu-a", 8);
  writeFileSync(machine.path("machine.json"), '{"name": "gpu-a", "gpus": 8}');
  const mark = `bench-${process.pid}`;
  await using engine = await FakeEngine.start(
    Array.from({ length: RANKS }, (_, rank) => rank),
    mark,
  );
  const settings = {
    AGENT_PROC: "/proc",
    AGENT_ENGINE_MATCH: mark,
    AGENT_GROUP: "a",
    AGENT_SYS: machine.path("sys"),
    AGENT_NVIDIA_SMI: `/bin/sh ${SMI}`,
    TANDEM_MACHINE_FILE: machine.path("machine.json"),
    TANDEM_GPU_FAULTS: machine.path("gpus.tsv"),
  };
  await using agent = await new AgentProcess(machine, settings, [
    ...AGENT_NODE_FLAGS,
    await bundledAgent(machine),
  ]).listening();
  const listeners = [new Listener(agent.url), new Listener(agent.url), new Listener(agent.url)];
  const [listener] = listeners;
  if (listener === undefined) throw new Error("no listener");
  try {
    for (const { rank } of engine.ranks) await listener.heard({ kind: "rank", rank, state: "running" });
    await listener.heard({ kind: "gpus" });
    return [
      ...(await quiet(agent, listener)),
      await exits(engine, listener),
      await kernelLines(machine, listener),
      { what: "memory after all of this", measured: memoryMiB(agent), limit: 60, unit: "MiB", how: "VmHWM" },
    ];
  } finally {
    for (const one of listeners) one.close();
  }
};

async function quiet(agent: AgentProcess, listener: Listener): Promise<Measurement[]> {
  const beats = () => listener.frames.filter(({ frame }) => frame.type === "beat");
  const firstBeat = beats().length;
  const before = cpuSeconds(agent);
  const startMs = performance.now();
  await sleep(QUIET_SECONDS * 1_000);
  const share = ((cpuSeconds(agent) - before) / ((performance.now() - startMs) / 1_000)) * 100;
  const arrivals = beats()
    .slice(firstBeat)
    .map(({ atMs }) => atMs);
  const late = arrivals.slice(1).map((at, number) => at - (arrivals[number] ?? at) - 250);
  const how = `${QUIET_SECONDS} s, ${RANKS} ranks, 8 ports, 3 subscribers`;
  return [
    { what: "CPU of an agent without floods", measured: share, limit: 2, unit: "%", how },
    { what: "its memory", measured: memoryMiB(agent), limit: 60, unit: "MiB", how: `VmHWM, ${how}` },
    { what: "a beat is late", measured: p99(late), limit: 50, unit: "ms", how: `p99 of ${late.length}` },
  ];
}

/** SIGKILL to a rank → the frame at the subscriber, in another process. */
async function exits(engine: FakeEngine, listener: Listener): Promise<Measurement> {
  const delays: number[] = [];
  for (let round = 0; round < Math.ceil(KILLS / RANKS); round++) {
    const ranks = engine.ranks.slice(-RANKS);
    for (const { pid } of ranks) await listener.heard({ kind: "rank", pid, state: "running" }, 20_000);
    for (const { pid } of ranks) {
      // At any moment of the poll.
      await sleep(Math.random() * 40);
      const killedMs = performance.now();
      process.kill(pid, "SIGKILL");
      delays.push((await listener.heard({ kind: "rank", pid, state: "exited" })).atMs - killedMs);
    }
    for (const { rank } of ranks) await engine.startRank(rank);
  }
  const how = `p99 of ${delays.length} kills, median ${median(delays).toFixed(1)} ms`;
  return { what: "exit of a rank → frame", measured: p99(delays), limit: 50, unit: "ms", how };
}

/** A line of the kernel log → the frame at the subscriber. */
async function kernelLines(machine: Machine, listener: Listener): Promise<Measurement> {
  const delays: number[] = [];
  for (let line = 0; line < LINES; line++) {
    const code = 10_000 + line;
    await sleep(Math.random() * 40);
    const writtenMs = performance.now();
    machine.log(`NVRM: Xid (PCI:0000:1b:00): ${code}, measured`);
    const { atMs } = await listener.until(() => {
      const hit = listener.frames.findLast(
        ({ frame }) =>
          frame.type === "evidence" &&
          frame.evidence.kind === "kernel-log" &&
          frame.evidence.line.kind === "xid" &&
          frame.evidence.line.code === code,
      );
      return hit && { atMs: hit.atMs };
    }, `XID ${code}`);
    delays.push(atMs - writtenMs);
  }
  const how = `p99 of ${delays.length} lines, median ${median(delays).toFixed(1)} ms`;
  return { what: "XID → frame", measured: p99(delays), limit: 50, unit: "ms", how };
}

function p99(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.ceil(sorted.length * 0.99) - 1] ?? Number.NaN;
}
