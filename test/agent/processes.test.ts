import { describe, expect, test } from "vitest";
import { AgentProcess, FakeEngine, Listener, Machine } from "./agent-process.ts";

describe.skipIf(process.platform !== "linux")("rank processes", () => {
  test("are found, and their exits are seen within 50 ms", async () => {
    await using machine = new Machine();
    const mark = `m${process.pid}-exits`;
    await using engine = await FakeEngine.start([8, 9, 10], mark, [
      "--dist-init-addr",
      "sglang-b-0.sglang-b.tandem:20000",
    ]);
    await using agent = await new AgentProcess(machine, {
      AGENT_PROC: "/proc",
      AGENT_ENGINE_MATCH: mark,
      AGENT_PROCESS_SCAN_MS: "50",
    }).listening();
    using listener = new Listener(agent.url);
    for (const { rank, pid } of engine.ranks)
      await listener.heard({ kind: "rank", group: "b", rank, pid, state: "running" });
    await listener.heard({ kind: "engine-process", pid: engine.launcher.pid, group: "b", state: "running" });

    const victim = engine.ranks[1];
    const killedMs = performance.now();
    process.kill(victim?.pid ?? 0, "SIGKILL");
    const { evidence, atMs } = await listener.heard({ kind: "rank", rank: 9, state: "exited" });
    expect(evidence).toMatchObject({ group: "b", pid: victim?.pid });
    expect(atMs - killedMs).toBeLessThan(150);
  });
});
