import { afterEach, describe, expect, test } from "vitest";
import { expectedText } from "../../src/emulator/tokens.ts";
import { type GroupOptions, jsonOf, readChat, type ServerProcess, startGroup } from "./server-process.ts";

const servers: ServerProcess[] = [];
afterEach(() => Promise.all(servers.splice(0).map((server) => server.stop())));

async function single(options: GroupOptions = {}): Promise<ServerProcess> {
  servers.push(...(await startGroup({ nnodes: 1, tp: 1, ...options })));
  return servers[0] as ServerProcess;
}
const chat = (server: ServerProcess, content: string, more: object = {}) =>
  server.post("/v1/chat/completions", { messages: [{ role: "user", content }], ...more });
/** Resolves at the first byte of a stream, which stays open. */
async function started(server: ServerProcess, content: string, more: object = {}) {
  const response = await chat(server, content, { stream: true, ignore_eos: true, ...more });
  return { reading: readChat(response) };
}

describe("rates", () => {
  test("a prompt takes the time that the prefill rate says, and two share it", async () => {
    const server = await single({ env: { EMULATOR_PREFILL_TOKENS_PER_SECOND: "10000" } });
    // Four bytes a token: 8,000 bytes are 2,000 tokens, 200 ms at this rate.
    const prompt = (mark: string) => `${mark}${"abcd".repeat(2000)} answer=1`;
    const took = async (marks: string[]) => {
      const began = performance.now();
      await Promise.all(marks.map(async (mark) => jsonOf(await chat(server, prompt(mark)))));
      return performance.now() - began;
    };
    expect(await took(["1"])).toBeGreaterThan(195);
    expect(await took(["2", "3"])).toBeGreaterThan(390);
    // From the cache there is nothing to compute.
    // The best of three: a busy computer may hold one up.
    expect(Math.min(await took(["1"]), await took(["1"]), await took(["1"]))).toBeLessThan(190);
  });

  test("decode steps set the pace of a stream", async () => {
    const server = await single({ env: { EMULATOR_DECODE_STEP_MS: "20" } });
    const began = performance.now();
    await jsonOf(await chat(server, "pace answer=20"));
    expect(performance.now() - began).toBeGreaterThan(20 * 19);
  });
});

describe("capacity", () => {
  test("a full queue refuses: 503, or an error frame in a 200 stream that has no finish", async () => {
    const server = await single({ flags: ["--max-running-requests", "1", "--max-queued-requests", "1"] });
    const running = await started(server, "first", { max_tokens: 100_000 });
    const waiting = chat(server, "second", { stream: true, max_tokens: 1 });
    // The waiting request shows in the load before the next one is sent.
    for (let queued = 0; queued < 1; ) {
      const { loads } = await jsonOf(await fetch(`${server.url}/v1/loads`));
      queued = loads[0].num_waiting_reqs;
    }
    const refused = await chat(server, "third");
    expect(refused.status).toBe(503);
    expect(await refused.json()).toMatchObject({ object: "error", message: "The request queue is full.", code: 503 });
    const stream = await chat(server, "third", { stream: true, stream_options: { include_usage: true } });
    expect(stream.status).toBe(200);
    const { error, finish, done, usage } = await readChat(stream);
    expect(error).toEqual({
      object: "error",
      message: "The request queue is full.",
      type: "SERVICE_UNAVAILABLE",
      param: null,
      code: 503,
    });
    expect({ finish, done, counted: usage?.completion_tokens }).toEqual({ finish: null, done: true, counted: 0 });
    await server.post("/abort_request", { abort_all: true });
    expect((await running.reading).finish).toBe("abort");
    await waiting.then((response) => response.body?.cancel());
  });

  test("requests wait for KV, and all get their whole answer", async () => {
    const server = await single({ env: { EMULATOR_MAX_TOTAL_TOKENS: "400" } });
    const answers = await Promise.all(
      Array.from({ length: 8 }, async (_, at) => jsonOf(await chat(server, `kv ${at} answer=150`))),
    );
    answers.forEach((answer, at) => {
      expect(answer.choices[0].message.content).toBe(expectedText(`kv ${at} answer=150`, 150));
    });
  });

  test("a higher priority overtakes the queue and takes the place of a running request", async () => {
    const flags = ["--max-running-requests", "1", "--enable-priority-scheduling", "--default-priority-value", "0"];
    const server = await single({ flags });
    const order: string[] = [];
    const finished = async (name: string, work: Promise<unknown>) => {
      await work;
      order.push(name);
    };
    const batch = await started(server, "batch answer=4000", { ignore_eos: false });
    const slow = finished("batch", batch.reading);
    await finished(
      "interactive",
      chat(server, "interactive answer=5", { priority: 100 }).then((response) => response.json()),
    );
    await slow;
    expect(order).toEqual(["interactive", "batch"]);
    expect((await batch.reading).content).toBe(expectedText("batch answer=4000", 4000));
  });
});

describe("keys", () => {
  test("401 without the key; probes are exempt, /ping and /v1/models are not; the admin key guards its endpoints", async () => {
    const server = await single({
      flags: ["--api-key", "user-key", "--admin-api-key", "admin-key", "--enable-metrics"],
    });
    const status = async (path: string, key?: string, method = "GET") =>
      (
        await fetch(server.url + path, {
          method,
          ...(key === undefined ? {} : { headers: { authorization: `Bearer ${key}` } }),
        })
      ).status;
    for (const path of ["/health", "/ready", "/metrics"]) expect(await status(path)).toBe(200);
    for (const path of ["/ping", "/v1/models", "/model_info", "/server_info", "/v1/loads"]) {
      expect(await status(path)).toBe(401);
      expect(await status(path, "user-key")).toBe(200);
    }
    expect(await status("/flush_cache", "user-key", "POST")).toBe(401);
    expect(await status("/flush_cache", "admin-key", "POST")).toBe(200);
    expect(await jsonOf(await fetch(`${server.url}/v1/models`))).toEqual({ error: "Unauthorized" });
    // SGLang shows both keys to whoever holds one.
    const info = await jsonOf(
      await fetch(`${server.url}/server_info`, { headers: { authorization: "Bearer user-key" } }),
    );
    expect(info.admin_api_key).toBe("admin-key");
  });
});

describe("connections", () => {
  test("an idle connection is closed after the keep-alive time", async () => {
    const server = await single({ env: { SGLANG_TIMEOUT_KEEP_ALIVE: "0.3" } });
    const response = await fetch(`${server.url}/v1/models`);
    expect(response.headers.get("keep-alive") ?? "timeout=0").toMatch(/^timeout=[01]/);
    await response.text();
  });

  test("a client that goes away is aborted about two seconds later", async () => {
    const server = await single();
    const leave = new AbortController();
    const body = {
      messages: [{ role: "user", content: "leave" }],
      stream: true,
      ignore_eos: true,
      max_tokens: 100_000,
    };
    const response = await server.post("/v1/chat/completions", body, {}, leave.signal);
    await response.body?.getReader().read();
    const left = performance.now();
    leave.abort();
    for (let running = 1; running > 0; ) {
      const { loads } = await jsonOf(await fetch(`${server.url}/v1/loads`));
      running = loads[0].num_running_reqs;
    }
    expect(performance.now() - left).toBeGreaterThan(1900);
    expect(performance.now() - left).toBeLessThan(3500);
  });
});
