import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { describe, expect, test, vi } from "vitest";
import { systemClock } from "../../src/agent/clock.ts";
import { Discovery } from "../../src/agent/processes/discover.ts";
import { engineArguments, groupOfLeader, rankOfTitle } from "../../src/agent/processes/engine-arguments.ts";
import { Proc } from "../../src/agent/processes/proc.ts";
import { parseStat, ThreadStat } from "../../src/agent/processes/thread-stat.ts";
import { AgentProcess, FakeEngine, Listener, Machine } from "./agent-process.ts";

describe.skipIf(process.platform !== "linux")("rank processes", () => {
  test("are found, and their exits are seen", async () => {
    const beganMs = systemClock.monoMs();
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
    for (const { rank, pid } of engine.ranks) {
      const { evidence } = await listener.heard({ kind: "rank", group: "b", rank, pid, state: "running" });
      // The kernel's clock has 10 ms ticks; the process is younger than this test.
      const ageMs = systemClock.monoMs() - ((evidence as { startedMonoMs?: number }).startedMonoMs ?? Number.NaN);
      expect(ageMs).toBeGreaterThan(-10);
      expect(ageMs).toBeLessThan(systemClock.monoMs() - beganMs + 10);
    }
    await listener.heard({ kind: "engine-process", pid: engine.launcher.pid, group: "b", state: "running" });

    const victim = engine.ranks[1];
    const killedMs = performance.now();
    process.kill(victim?.pid ?? 0, "SIGKILL");
    const { evidence, atMs } = await listener.heard({ kind: "rank", rank: 9, state: "exited" });
    expect(evidence).toMatchObject({ group: "b", pid: victim?.pid });
    // The 50 ms of the product are measured by the benchmark: a busy computer may be late here.
    expect(atMs - killedMs).toBeLessThan(2_000);
  });
});

describe.skipIf(process.platform !== "linux")("discovery", () => {
  test("finds all ranks of a server in one scan", async () => {
    const found: number[] = [];
    const mark = `m${process.pid}-scan`;
    await using engine = await FakeEngine.start(
      Array.from({ length: 16 }, (_, rank) => rank),
      mark,
    );
    const discovery = new Discovery({
      proc: new Proc("/proc"),
      match: mark,
      onFound: ({ rank }) => found.push(rank),
      onProcess: () => {},
      onHung: (pid) => expect.unreachable(`${pid} hangs`),
    });
    // A shell is named a moment after it starts; then one scan is enough.
    const named = () =>
      engine.ranks.every(({ pid }) => readFileSync(`/proc/${pid}/comm`, "utf8").startsWith("sglang::"));
    await vi.waitUntil(named, { interval: 5, timeout: 20_000 });
    discovery.scan(performance.now());
    await vi.waitUntil(() => found.length === 16, { interval: 5, timeout: 20_000 });
    expect(found.toSorted((a, b) => a - b)).toEqual(engine.ranks.map(({ rank }) => rank));
  });
});

describe("programs of the host that the GPUs need", () => {
  test("are told when they run, when they end, and when there are none", async () => {
    await using machine = new Machine();
    const put = (pid: number, comm: string) => {
      mkdirSync(machine.path(`proc/${pid}`), { recursive: true });
      writeFileSync(machine.path(`proc/${pid}/comm`), `${comm}\n`);
    };
    put(100, "nv-fabricmanage");
    put(101, "bash");
    await using agent = await new AgentProcess(machine, {
      AGENT_PROC: machine.path("proc"),
      AGENT_PROCESS_SCAN_MS: "20",
    }).listening();
    using listener = new Listener(agent.url);
    await listener.heard({ kind: "service", name: "fabric-manager", state: "running" });
    await listener.heard({ kind: "service", name: "persistence-daemon", state: "absent" });
    rmSync(machine.path("proc/100"), { recursive: true });
    await listener.heard({ kind: "service", name: "fabric-manager", state: "failed" });
    put(102, "nv-fabricmanage");
    await listener.until(
      () =>
        listener.evidence.filter(({ evidence }) => evidence.kind === "service" && evidence.state === "running")
          .length === 2,
      "it runs again",
    );
  });
});

describe("SGLang's command line and titles", () => {
  const argv = ["python3", "-m", "sglang.launch_server", "--tp-size", "16", "--host", "0.0.0.0", "--port=8000"];
  test.each<[string, string[], object | null]>([
    [
      "a leader",
      [...argv, "--node-rank", "0"],
      { nodeRank: 0, tpSize: 16, host: "127.0.0.1", port: 8000, apiKey: null },
    ],
    ["a worker", [...argv, "--node-rank", "1"], { nodeRank: 1 }],
    ["the later of two", [...argv, "--port", "9000"], { port: 9000 }],
    [
      "a group's leader",
      [...argv, "--dist-init-addr", "sglang-a-0.sglang-a.ns:20000"],
      { leader: "sglang-a-0.sglang-a.ns" },
    ],
    ["a key", [...argv, "--api-key", "k"], { apiKey: "k" }],
    [
      "`sglang serve`",
      ["/usr/bin/python3", "/usr/local/bin/sglang", "serve", "--tp", "8"],
      { tpSize: 8, port: 30_000 },
    ],
    ["another program", ["python3", "-m", "http.server"], null],
    ["nothing", [], null],
  ])("%s", (_name, words, expected) => {
    if (expected === null) expect(engineArguments(words)).toBeNull();
    else expect(engineArguments(words)).toMatchObject(expected);
  });

  test.each<[string, number, number | null]>([
    ["sglang::scheduler_TP3", 16, 3],
    ["sglang::scheduler_DP1_TP9_EP9", 16, 9],
    ["sglang::scheduler_PP1_TP7", 8, 15],
    ["sglang::scheduler", 16, 0],
    ["sglang::detokenizer", 16, null],
  ])("%s of %i is rank %s", (title, tpSize, rank) => {
    expect(rankOfTitle(title, tpSize)).toBe(rank);
  });

  test("the name of the leader tells the group", () => {
    expect(groupOfLeader("sglang-a-0.sglang-a.tandem-prod")).toBe("a");
    expect(groupOfLeader("sglang-blue-2-0.sglang-blue-2.ns")).toBe("blue-2");
    expect(groupOfLeader("10.0.0.1")).toBeNull();
    expect(groupOfLeader(null)).toBeNull();
  });

  test("a stat line is read whatever the process is called", () => {
    const rest = "S 7 1 1 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 12345 1 1";
    for (const comm of ["python3", "a) R 1 (b", "sglang::schedul"])
      expect(parseStat(`42 (${comm}) ${rest}`)).toEqual({ state: "S", ended: false, parent: 7, startTicks: 12345 });
    expect(parseStat("")).toBeNull();
    expect(parseStat("garbage")).toBeNull();
  });

  // States and flags as read from the kernel while such a process was killed; the dump of one GiB took 11 seconds.
  test.each([
    ["runs", "R", 0x400000, false],
    ["waits in the driver", "D", 0x400040, false],
    ["is stopped", "T", 0x400000, false],
    ["writes its core", "R", 0x400640, true],
    ["waits for another thread to write the core", "I", 0x400440, true],
    ["gives back what the driver pinned", "D", 0x400404, true],
    ["left by itself and is being buried", "R", 0x400004, true],
    ["is a zombie", "Z", 0x40040c, true],
  ])("a rank that %s", async (_name, state, flags, ended) => {
    await using machine = new Machine();
    const line = `42 (a) R 0 (b) ${state} 7 1 1 0 -1 ${flags} 1 0 0 0 0 0 0 0 20 0 1 0 12345 1 1`;
    mkdirSync(machine.path("proc/42/task/42"), { recursive: true });
    writeFileSync(machine.path("proc/42/task/42/stat"), line);
    const proc = new Proc(machine.path("proc"));
    expect(proc.stat(42)).toMatchObject({ state, ended });
    const stat = proc.openStat(42);
    // The second time nothing has changed.
    for (const _ of [1, 2]) expect(stat?.state()).toBe(ended ? "ended" : state.charCodeAt(0));
    stat?.close();
  });

  test.each([
    ["dies", "R 7 1 1 0 -1 4194304", "R 7 1 1 0 -1 4195344", "ended"],
    ["dies with flags of another length", "R 7 1 1 0 -1 64", "R 7 1 1 0 -1 1088", "ended"],
    ["is stopped", "S 7 1 1 0 -1 4194304", "T 7 1 1 0 -1 4194304", "T".charCodeAt(0)],
    ["goes to another parent", "S 71 1 1 0 -1 4194304", "S 1 1 1 0 -1 4194304 1", "S".charCodeAt(0)],
  ])("a rank that %s is not taken for what it was", async (_name, before, after, expected) => {
    await using machine = new Machine();
    const rest = "0 0 0 0 0 0 0 0 20 0 1 0 12345 1 1";
    const path = machine.path("stat");
    writeFileSync(path, `42 (a) R 0 (b) ${before} ${rest}`);
    const stat = new ThreadStat(path);
    stat.state();
    writeFileSync(path, `42 (a) R 0 (b) ${after} ${rest}`);
    expect(stat.state()).toBe(expected);
    writeFileSync(path, `42 (a) R 0 (b) ${before} ${rest}`);
    expect(stat.state()).toBe(before.charCodeAt(0));
    stat.close();
  });
});
