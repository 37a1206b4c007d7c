import { chmodSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import { watchLinks } from "../../src/agent/watch-links.ts";
import { hcasOf, setPort, writeInfiniband } from "../../src/emulator/gpu/infiniband.ts";
import { type ServerProcess, startGroup } from "../emulator/server-process.ts";
import { AgentProcess, FakeEngine, Listener, Machine } from "./agent-process.ts";

const SMI = fileURLToPath(new URL("../../src/emulator/gpu/nvidia-smi.sh", import.meta.url));

/** A machine with the emulator's nvidia-smi. */
function gpuMachine(machine: Machine) {
  writeFileSync(machine.path("machine.json"), '{"name": "gpu-a", "gpus": 8}');
  writeFileSync(machine.path("gpus.tsv"), "");
  return {
    AGENT_NVIDIA_SMI: `/bin/sh ${SMI}`,
    AGENT_GPU_EVERY_MS: "100",
    AGENT_GPU_TIMEOUT_MS: "20000",
    TANDEM_MACHINE_FILE: machine.path("machine.json"),
    TANDEM_GPU_FAULTS: machine.path("gpus.tsv"),
  };
}

describe.skipIf(process.platform !== "linux")("nvidia-smi", () => {
  test("tells the fields of every GPU, and which is lost", async () => {
    await using machine = new Machine();
    await using agent = await new AgentProcess(machine, gpuMachine(machine)).listening();
    using listener = new Listener(agent.url);
    const { evidence } = await listener.heard({ kind: "gpus", found: 8 });
    expect(evidence).toMatchObject({ expected: 8 });
    const [first] = evidence.kind === "gpus" ? evidence.gpus : [];
    expect(first).toMatchObject({
      index: 0,
      pci: expect.stringMatching(/^[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}$/),
      eccUncorrected: 0,
      remappedRowsPending: false,
      remappedRowsFailure: false,
      pcieWidth: 16,
      pcieWidthMax: 16,
      throttle: [],
      recoveryAction: "None",
      // Ranks of other tests on this computer are on these GPUs as well.
      processIds: expect.any(Array),
    });
    expect(first?.temperatureC).toBeGreaterThan(20);
    expect(first?.powerW).toBeGreaterThan(50);

    writeFileSync(
      machine.path("gpus.tsv"),
      "3\tlost\t1\n5\tclocks_event_reasons.hw_thermal_slowdown\tActive\n5\tgpu_recovery_action\tReset\n",
    );
    const after = await listener.heard({ kind: "gpus", found: 7 });
    const gpus = after.evidence.kind === "gpus" ? after.evidence.gpus : [];
    expect(gpus.map(({ index }) => index)).toEqual([0, 1, 2, 4, 5, 6, 7]);
    expect(gpus[4]).toMatchObject({ throttle: ["hw_thermal_slowdown"], recoveryAction: "Reset" });
  });

  test("that hangs is a signal, holds nothing up, and is asked again when it is gone", async () => {
    await using machine = new Machine();
    const env = { ...gpuMachine(machine), AGENT_GPU_TIMEOUT_MS: "2000" };
    // A process in the kernel's D state cannot be killed; this one ignores all that can be ignored and leaves a mark.
    const program = machine.path("stuck-smi");
    writeFileSync(
      program,
      `#!/bin/sh\necho started >> ${machine.path("starts")}\nif [ -f ${machine.path("stuck")} ]; then exec sleep 60; fi\nexec /bin/sh ${SMI} "$@"\n`,
    );
    chmodSync(program, 0o755);
    writeFileSync(machine.path("stuck"), "");
    await using agent = await new AgentProcess(machine, { ...env, AGENT_NVIDIA_SMI: program }).listening();
    using listener = new Listener(agent.url);
    await listener.heard({ kind: "monitor", monitor: "nvidia-smi", state: "hung" });
    machine.log("NVRM: Xid (PCI:0000:1b:00): 79, GPU has fallen off the bus.");
    await listener.heard({ kind: "kernel-log" }, 1_000);
    rmSync(machine.path("stuck"));
    await listener.heard({ kind: "monitor", monitor: "nvidia-smi", state: "working" }, 20_000);
    await listener.heard({ kind: "gpus", found: 8 });
  });

  test("that is not there, or says that the driver is gone, has failed", async () => {
    await using machine = new Machine();
    const env = gpuMachine(machine);
    await using without = await new AgentProcess(machine, { ...env, AGENT_NVIDIA_SMI: "/nonexistent/smi" }).listening();
    using one = new Listener(without.url);
    const missing = await one.heard({ kind: "monitor", monitor: "nvidia-smi", state: "failed" });
    expect(missing.evidence).toMatchObject({ detail: expect.stringContaining("ENOENT") });

    writeFileSync(machine.path("gpus.tsv"), "*\tdriver\tgone\n");
    await using gone = await new AgentProcess(machine, env).listening();
    using two = new Listener(gone.url);
    const failed = await two.heard({ kind: "monitor", monitor: "nvidia-smi", state: "failed" });
    expect(failed.evidence).toMatchObject({ detail: expect.stringContaining("couldn't communicate with the NVIDIA") });
  });
});

describe("InfiniBand ports", () => {
  test("are told once, and again when they change or vanish", async () => {
    await using machine = new Machine();
    writeInfiniband(machine.path("sys"), "gpu-a", 2);
    await using agent = await new AgentProcess(machine, {
      AGENT_SYS: machine.path("sys"),
      AGENT_LINK_EVERY_MS: "50",
    }).listening();
    using listener = new Listener(agent.url);
    await listener.heard({ kind: "link", device: "mlx5_0", port: 1, state: "up", rateGbps: 400, downCount: 0 });
    await listener.heard({ kind: "link", device: "mlx5_1", state: "up" });
    expect(hcasOf(machine.path("sys"))).toEqual(["mlx5_0", "mlx5_1"]);
    setPort(machine.path("sys"), "mlx5_1", "down");
    // Down is down: nothing is counted twice.
    setPort(machine.path("sys"), "mlx5_1", "down");
    await listener.heard({ kind: "link", device: "mlx5_1", state: "down", downCount: 1 });
    setPort(machine.path("sys"), "mlx5_1", "up");
    await listener.heard({ kind: "link", device: "mlx5_1", state: "up", downCount: 1 });
    rmSync(`${machine.path("sys")}/class/infiniband/mlx5_0`, { recursive: true });
    await listener.heard({ kind: "link", device: "mlx5_0", state: "down" });
  });
});

test("of several networks only the ports that the engine uses are followed", async () => {
  await using machine = new Machine();
  const root = machine.path("sys");
  writeInfiniband(root, "gpu-a", 3);
  setPort(root, "mlx5_1", "down");
  const told: string[] = [];
  const downs = Promise.withResolvers<void>();
  const source = watchLinks({
    root,
    everyMs: 20,
    devices: ["mlx5_0", "mlx5_2"],
    emit: (evidence) => {
      if (evidence.kind !== "link") return;
      told.push(`${evidence.device} ${evidence.state}`);
      // The last one in the order of reading: whatever else is read has been told by then.
      if (evidence.device === "mlx5_2" && evidence.state === "down") downs.resolve();
    },
  });
  try {
    setPort(root, "mlx5_2", "down");
    await downs.promise;
    expect(told.filter((one) => one.startsWith("mlx5_1"))).toEqual([]);
    expect(told).toContain("mlx5_0 up");
  } finally {
    source.stop();
  }
});

describe.skipIf(process.platform !== "linux")("the engine of the emulator", () => {
  const started: ServerProcess[] = [];
  afterAll(() => Promise.all(started.map((server) => server.stop())));

  test("its ranks, its progress, its queue; the worker's server says nothing about tokens", async () => {
    await using machine = new Machine();
    const servers = await startGroup({ tp: 4, flags: ["--served-model-name", `m${process.pid}`, "--enable-metrics"] });
    started.push(...servers);
    const [leader, worker] = servers;
    if (leader === undefined || worker === undefined) throw new Error("two servers");
    const env = {
      AGENT_PROC: "/proc",
      AGENT_GROUP: "a",
      AGENT_PROCESS_SCAN_MS: "50",
      AGENT_ENGINE_EVERY_MS: "100",
    };
    const match = `--port ${new URL(leader.url).port}`;
    await using one = await new AgentProcess(machine, {
      ...env,
      AGENT_ENGINE_MATCH: `--node-rank 0 --host 127.0.0.1 ${match}`,
    }).listening();
    await using two = await new AgentProcess(machine, {
      ...env,
      AGENT_ENGINE_MATCH: `--node-rank 1 --host 127.0.0.2 ${match}`,
    }).listening();
    using first = new Listener(one.url);
    using second = new Listener(two.url);
    for (const rank of [0, 1]) await first.heard({ kind: "rank", rank, state: "running" });
    for (const rank of [2, 3]) await second.heard({ kind: "rank", rank, state: "running" });
    expect(first.evidence.some(({ evidence }) => evidence.kind === "rank" && evidence.rank > 1)).toBe(false);
    await first.heard({ kind: "engine", state: "serving", running: 0 });

    const response = await leader.post("/v1/chat/completions", {
      model: `m${process.pid}`,
      messages: [{ role: "user", content: "hello answer=50" }],
      stream: false,
    });
    await response.text();
    await first.until(
      () => first.evidence.some(({ evidence }) => evidence.kind === "engine" && evidence.tokensTotal >= 50),
      "50 tokens",
    );
    await leader.order({ fault: "stop-rank", rank: 1 });
    await first.heard({ kind: "rank", rank: 1, state: "stopped" });
    await leader.order({ fault: "continue-rank", rank: 1 });
    await first.until(() => {
      const states = first.evidence.flatMap(({ evidence }) =>
        evidence.kind === "rank" && evidence.rank === 1 ? [evidence.state] : [],
      );
      return states.join() === "running,stopped,running";
    }, "rank 1 runs again");
    await worker.order({ fault: "crash-rank", rank: 3 });
    await second.heard({ kind: "rank", rank: 3, state: "exited" });
    // A lost rank ends the whole group; the launcher's end is told as well.
    await second.heard({ kind: "engine-process", state: "exited" });
    await first.heard({ kind: "rank", rank: 0, state: "exited" });
    expect(second.evidence.some(({ evidence }) => evidence.kind === "engine")).toBe(false);
  });
});

describe.skipIf(process.platform !== "linux")("an engine that starts anew", () => {
  test("is found again, with other process ids", async () => {
    await using machine = new Machine();
    const mark = `m${process.pid}-again`;
    await using agent = await new AgentProcess(machine, {
      AGENT_PROC: "/proc",
      AGENT_ENGINE_MATCH: mark,
      AGENT_GROUP: "a",
      AGENT_PROCESS_SCAN_MS: "50",
    }).listening();
    using listener = new Listener(agent.url);
    const pids: (number | undefined)[] = [];
    for (let start = 0; start < 2; start++) {
      await using engine = await FakeEngine.start([0], mark);
      const pid = engine.ranks[0]?.pid;
      pids.push(pid);
      await listener.heard({ kind: "rank", pid, state: "running" });
      engine.launcher.kill("SIGKILL");
      await listener.heard({ kind: "engine-process", pid: engine.launcher.pid, state: "exited" });
    }
    expect(new Set(pids).size).toBe(2);
  });
});
