import { existsSync, readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { afterEach, describe, expect, test } from "vitest";
import { tagOf } from "../../src/emulator/tokens.ts";
import { freePort } from "../support/free-port.ts";
import { events, type GroupOptions, MODULE, readChat, ServerProcess, startGroup } from "./server-process.ts";

const servers: ServerProcess[] = [];
afterEach(() => Promise.all(servers.splice(0).map((server) => server.stop())));

async function group(options: GroupOptions = {}): Promise<[ServerProcess, ServerProcess]> {
  servers.push(...(await startGroup(options)));
  return servers as [ServerProcess, ServerProcess];
}
const endless = (server: ServerProcess, content = "go on") =>
  server.post("/v1/chat/completions", {
    messages: [{ role: "user", content }],
    stream: true,
    ignore_eos: true,
    max_tokens: 100_000,
  });
/** A zombie is dead: who reaps orphans is the business of this computer's first process. */
const isAlive = (pid: number) =>
  existsSync(`/proc/${pid}`) && !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));

describe("rank processes", () => {
  test("one for each rank, named as SGLang names them, at most 3 MiB", async () => {
    const [leader, worker] = await group({ tp: 16 });
    const pids = [...(await leader.rankPids()), ...(await worker.rankPids())];
    expect(pids).toHaveLength(16);
    const titles = await Promise.all(
      pids.map(async (pid) => (await readFile(`/proc/${pid}/cmdline`, "utf8")).split("\0")[0]),
    );
    expect(titles).toEqual(Array.from({ length: 16 }, (_, rank) => `sglang::scheduler_TP${rank}`));
    for (const pid of pids) {
      const status = await readFile(`/proc/${pid}/status`, "utf8");
      expect(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1])).toBeLessThan(3 * 1024);
    }
  });

  test("they end with their server, however it ends", async () => {
    const [leader, worker] = await group();
    const pids = await worker.rankPids();
    process.kill(worker.child.pid ?? 0, "SIGKILL");
    await worker.exited;
    // The ring closes rank by rank; the leader is killed by the reset.
    await leader.exited;
    await expect.poll(() => pids.filter(isAlive)).toEqual([]);
  });
});

describe("a killed rank takes the group down", () => {
  test.each([
    ["leader", 0, { SGLANG_KILLPG_ON_SCHEDULER_EXCEPTION: "1" }],
    ["worker", 1, { SGLANG_KILLPG_ON_SCHEDULER_EXCEPTION: "1" }],
    ["leader", 0, {}],
    ["worker", 1, {}],
  ])("a rank of the %s (%i, %j): both servers end with SIGKILL, the stream without [DONE]", async (_name, at, env) => {
    const [leader, worker] = await group({ env });
    const response = await endless(leader);
    const reading = readChat(response).catch((error: Error) => error);
    const victim = at === 0 ? leader : worker;
    const [pid = 0] = await victim.rankPids();
    process.kill(pid, "SIGKILL");
    // 137 to a shell: the main process kills itself (facts 3).
    expect(await Promise.all([leader.exited, worker.exited])).toEqual([
      { code: null, signal: "SIGKILL" },
      { code: null, signal: "SIGKILL" },
    ]);
    const cut = await reading;
    expect(cut instanceof Error || cut.done === false).toBe(true);
  });

  test("a serving leader that dumps blocks for five seconds first, with open sockets", async () => {
    const [leader] = await group({ env: { SGLANG_PYSPY_DUMP_BEFORE_CRASH: "1" } });
    const began = performance.now();
    await leader.order({ fault: "exception" });
    await leader.exited;
    expect(performance.now() - began).toBeGreaterThan(4900);
    expect(leader.output).toContain("Sleeping 5 seconds before crash diagnostics");
  });
});

describe("a stopped peer", () => {
  test("hangs rank 0: streams stall, /health gives up, /v1/loads answers, and it all goes on after SIGCONT", async () => {
    const [leader, worker] = await group({ env: { SGLANG_HEALTH_CHECK_TIMEOUT: "2" } });
    const frames = events(await endless(leader));
    await frames.next();
    const pids = await worker.rankPids();
    for (const pid of pids) process.kill(pid, "SIGSTOP");
    // What is in flight still arrives; then nothing does.
    let last = performance.now();
    const drained = (async () => {
      for (;;) {
        const next = await Promise.race([frames.next(), new Promise((resolve) => setTimeout(resolve, 400, "silent"))]);
        if (next === "silent") return;
        last = performance.now();
      }
    })();
    await drained;
    expect(performance.now() - last).toBeGreaterThan(390);
    const health = await fetch(`${leader.url}/health`);
    expect(health.status).toBe(503);
    // As fresh as the last /health, and only now false.
    expect((await fetch(`${leader.url}/ready`)).status).toBe(503);
    expect((await fetch(`${leader.url}/v1/loads`)).status).toBe(200);
    expect((await fetch(`${worker.url}/health`)).status).toBe(200);
    for (const pid of pids) process.kill(pid, "SIGCONT");
    expect((await fetch(`${leader.url}/health`)).status).toBe(200);
    expect((await fetch(`${leader.url}/ready`)).status).toBe(200);
  });

  test("is left alone by the scheduler's watchdog until its time-out, then the leader ends", async () => {
    const [leader, worker] = await group({ flags: ["--watchdog-timeout", "1"] });
    const response = await endless(leader);
    await response.body?.getReader().read();
    const began = performance.now();
    for (const pid of await worker.rankPids()) process.kill(pid, "SIGSTOP");
    expect((await leader.exited).signal).toBe("SIGKILL");
    // One to one and a half time-outs, and 5 s for the dump.
    expect(performance.now() - began).toBeGreaterThan(5900);
  });
});

describe("faults from the control socket", () => {
  test("hang, slow, wrong answers, and clear", async () => {
    const [leader] = await group();
    const ask = async () =>
      readChat(
        await leader.post("/v1/chat/completions", {
          messages: [{ role: "user", content: "x answer=3" }],
          stream: true,
        }),
      );
    await leader.order({ fault: "wrong-answer", every: 1 });
    const wrong = await ask();
    expect(wrong.content).not.toContain(tagOf("x answer=3"));
    await leader.order({ fault: "clear" });
    expect((await ask()).content).toContain(tagOf("x answer=3"));
    await leader.order({ fault: "hang" });
    const stuck = ask();
    expect(await Promise.race([stuck, new Promise((resolve) => setTimeout(resolve, 300, "stuck"))])).toBe("stuck");
    await leader.order({ fault: "clear" });
    expect((await stuck).finish).toBe("stop");
    expect(await leader.order({ fault: "no-such" })).toMatchObject({
      ok: false,
      error: expect.stringContaining("want clear, hang"),
    });
    expect(await leader.order({ fault: "crash-rank", rank: 99 })).toMatchObject({ ok: false });
  });

  test.each([
    ["in its prefill", {}, 0],
    ["at token 50", { at: 50 }, 50],
  ])("a poisonous prompt crashes both servers %s", async (_name, at, tokens) => {
    const [leader, worker] = await group({ env: { EMULATOR_DECODE_STEP_MS: "10" } });
    await leader.order({ fault: "poison", marker: "arsenic", ...at });
    await readChat(
      await leader.post("/v1/chat/completions", {
        messages: [{ role: "user", content: "harmless answer=3" }],
        stream: true,
      }),
    );
    let seen = 0;
    try {
      for await (const data of events(await endless(leader, "some arsenic"))) if (data.includes("-")) seen++;
    } catch {}
    await Promise.all([leader.exited, worker.exited]);
    expect(seen).toBeLessThanOrEqual(tokens + 1);
    if (tokens > 0) expect(seen).toBeGreaterThan(tokens - 5);
  });
});

describe("the beginning and the end", () => {
  test("SIGTERM: the worker waits, the leader lets requests finish, says 503, then both end with 0", async () => {
    const [leader, worker] = await group({ env: { EMULATOR_DECODE_STEP_MS: "10" } });
    const response = await leader.post("/v1/chat/completions", {
      messages: [{ role: "user", content: "drain answer=300" }],
      stream: true,
    });
    const reading = readChat(response);
    worker.child.kill("SIGTERM");
    await worker.printed("waiting for the rank-0 ShutdownReq broadcast");
    leader.child.kill("SIGTERM");
    await leader.printed("Draining requests");
    expect((await fetch(`${leader.url}/health`)).status).toBe(503);
    expect((await fetch(`${leader.url}/ready`)).status).toBe(503);
    expect(await reading).toMatchObject({ finish: "stop", done: true });
    expect(await Promise.all([leader.exited, worker.exited])).toEqual([
      { code: 0, signal: null },
      { code: 0, signal: null },
    ]);
  });

  test("a group whose second server never comes gives up after --dist-timeout", async () => {
    const dist = await freePort();
    const argv = [
      ...MODULE,
      "--model-path",
      "m",
      "--tp-size",
      "2",
      "--nnodes",
      "2",
      "--node-rank",
      "0",
      "--dist-init-addr",
      `127.0.0.1:${dist}`,
    ];
    const alone = new ServerProcess([...argv, "--dist-timeout", "1"]);
    servers.push(alone);
    expect((await alone.exited).signal).toBe("SIGKILL");
    expect(alone.output).toContain("Timed out after 2 seconds waiting for clients. 1/2 clients joined.");
  });

  test("one server slower to load than the barrier allows ends the start of both", async () => {
    const [http, dist] = [await freePort(), await freePort()];
    const start = (rank: number, load: string) => {
      const argv = [...MODULE, "--model-path", "m", "--tp-size", "2", "--nnodes", "2", "--node-rank", String(rank)];
      argv.push("--dist-init-addr", `127.0.0.1:${dist}`, "--host", `127.0.0.${rank + 1}`, "--port", String(http));
      const server = new ServerProcess(argv, { EMULATOR_LOAD_SECONDS: load, EMULATOR_BARRIER_SECONDS: "0.5" });
      servers.push(server);
      return server;
    };
    const [leader, slow] = [start(0, "0"), start(1, "30")];
    await Promise.all([leader.exited, slow.exited]);
    expect(leader.output).toContain("Timed out waiting for all ranks to load weights");
  });

  test("a killed worker and a new one do not heal a group that already ended", async () => {
    const [leader, worker] = await group();
    await worker.stop();
    expect((await leader.exited).signal).toBe("SIGKILL");
  });

  test.each([
    [["--no-such-flag"], 2, "sglang serve: error: unrecognized arguments: --no-such-flag"],
    [["--tp-size", "3", "--nnodes", "2"], 1, "divisible by number of nodes"],
    [["--mem-fraction-static", "0.1", "--max-total-tokens", "0"], 1, "Not enough memory"],
  ])("%j ends with code %i", async (argv, code, message) => {
    const server = new ServerProcess([...MODULE, "--model-path", "m", ...argv]);
    servers.push(server);
    expect(await server.exited).toEqual({ code, signal: null });
    expect(server.output).toContain(message);
  });
});
