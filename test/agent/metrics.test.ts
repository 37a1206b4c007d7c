import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { beforeAll, describe, expect, test } from "vitest";
import { exposition } from "../../src/agent/metrics/exposition.ts";
import { writeInfiniband } from "../../src/emulator/gpu/infiniband.ts";
import { promtool, promtoolObstacle } from "../support/promtool.ts";
import { AgentProcess, FakeEngine, Listener, Machine, TOKEN } from "./agent-process.ts";

const SMI = fileURLToPath(new URL("../../src/emulator/gpu/nvidia-smi.sh", import.meta.url));
const obstacle = await promtoolObstacle();

const scrape = async (url: string, token = TOKEN) => {
  const response = await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${token}` } });
  return { status: response.status, type: response.headers.get("content-type"), text: await response.text() };
};
const valueIn = (text: string, series: string) =>
  Number(
    text
      .split("\n")
      .find((line) => line.startsWith(`${series} `))
      ?.slice(series.length + 1) ?? Number.NaN,
  );

describe("the metrics of a running agent", () => {
  test("tell what holds, count what happened, and open with the token alone", async () => {
    await using machine = new Machine();
    writeInfiniband(machine.path("sys"), "gpu-a", 2);
    writeFileSync(machine.path("machine.json"), '{"name": "gpu-a", "gpus": 8}');
    const mark = `metrics-${process.pid}`;
    await using engine = await FakeEngine.start([0, 1], mark);
    await using agent = await new AgentProcess(machine, {
      AGENT_PROC: "/proc",
      AGENT_ENGINE_MATCH: mark,
      AGENT_GROUP: "a",
      AGENT_PROCESS_SCAN_MS: "100",
      AGENT_SYS: machine.path("sys"),
      AGENT_LINK_EVERY_MS: "100",
      AGENT_NVIDIA_SMI: `/bin/sh ${SMI}`,
      TANDEM_MACHINE_FILE: machine.path("machine.json"),
      TANDEM_GPU_FAULTS: machine.path("gpus.tsv"),
    }).listening();
    using listener = new Listener(agent.url);
    await listener.heard({ kind: "gpus" });
    await listener.heard({ kind: "rank", rank: 1 });
    await listener.heard({ kind: "link", device: "mlx5_1" });
    machine.log("NVRM: Xid (PCI:0000:1b:00): 79, GPU has fallen off the bus.");
    machine.log("nvidia-nvswitch0: SXid (PCI:0000:05:00.0): 20034, Fatal, Link 30 LTSSM Fault Up");
    process.kill(engine.ranks[1]?.pid ?? -1, "SIGKILL");
    writeFileSync(machine.path("sys/class/infiniband/mlx5_1/ports/1/state"), "1: DOWN\n");
    await listener.heard({ kind: "rank", rank: 1, state: "exited" });
    await listener.heard({ kind: "link", device: "mlx5_1", state: "down" });
    await listener.until(
      () => listener.evidence.filter((one) => one.evidence.kind === "kernel-log").length === 2,
      "log",
    );

    const { status, type, text } = await scrape(agent.url);
    expect({ status, type }).toEqual({ status: 200, type: "text/plain; version=0.0.4; charset=utf-8" });
    for (const [series, value] of [
      ['tandem_agent_subscribers{server="gpu-a"}', 1],
      ['tandem_agent_xid_total{server="gpu-a",code="79",pci="0000:1b:00"}', 1],
      ['tandem_agent_sxid_total{server="gpu-a",code="20034",pci="0000:05:00",fatal="true"}', 1],
      ['tandem_agent_rank_exits_total{server="gpu-a",group="a"}', 1],
      ['tandem_agent_rank_running{server="gpu-a",group="a",rank="0"}', 1],
      ['tandem_agent_gpus_expected{server="gpu-a"}', 8],
      ['tandem_agent_gpus_found{server="gpu-a"}', 8],
      ['tandem_agent_link_up{server="gpu-a",device="mlx5_0",port="1"}', 1],
      ['tandem_agent_link_up{server="gpu-a",device="mlx5_1",port="1"}', 0],
      ['tandem_agent_monitor_working{server="gpu-a",monitor="nvidia-smi"}', 1],
      ['tandem_agent_evidence_total{server="gpu-a",kind="kernel-log"}', 2],
    ] as const)
      expect({ series, value: valueIn(text, series) }).toEqual({ series, value });
    expect(text).not.toContain('tandem_agent_rank_running{server="gpu-a",group="a",rank="1"}');
    expect(text.match(/^tandem_agent_gpu_temperature_celsius\{/gm)).toHaveLength(8);
    expect(valueIn(text, "process_resident_memory_bytes")).toBeGreaterThan(1e7);

    expect(await scrape(agent.url, "not-the-token-of-it")).toMatchObject({ status: 401 });
    if (obstacle === null) {
      const lint = await execa(await promtool(), ["check", "metrics"], { input: text, reject: false, all: true });
      expect(lint.all).toBe("");
    }
  });
});

describe("the text format", () => {
  beforeAll(async () => void (obstacle === null && (await promtool())), 120_000);

  test.skipIf(obstacle !== null)(
    "is read by promtool whatever stands in a label, and a bad name is found",
    async () => {
      const check = async (name: string) => {
        const input = exposition([
          { name, type: "gauge", help: 'a "quoted"\nhelp \\', series: [{ labels: { a: 'x"y\n\\' }, value: 1 }] },
        ]);
        return execa(await promtool(), ["check", "metrics"], { input, reject: false, all: true });
      };
      expect(await check("tandem_x_celsius")).toMatchObject({ exitCode: 0, all: "" });
      expect((await check("tandem_x_milliseconds")).all).toContain("use base unit");
    },
  );

  test("leaves out what has no series", () => {
    expect(exposition([{ name: "a", type: "gauge", help: "", series: [] }])).toBe("");
  });
});
