import { createConnection } from "node:net";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { expectedText } from "../../src/emulator/tokens.ts";
import { events, jsonOf, readChat } from "../emulator/server-process.ts";
import { ADMIN_TOKEN, AUTH, ask, chat, KEY, startWorld, type World } from "./gateway-fixture.ts";

/** Each takes a millisecond of CPU; MALFORMED=10000 for a thorough run. */
const MALFORMED = Number(process.env.MALFORMED ?? 2000);
let world: World;
beforeAll(async () => {
  world = await startWorld({
    engine: {
      flags: ["--reasoning-parser", "deepseek-r1", "--max-running-requests", "8", "--max-queued-requests", "2"],
    },
    config: { limits: { drainMs: 1000, slowClientMs: 1500, maxBodyBytes: 1_000_000 } },
  });
}, 60_000);
afterAll(() => world.close());
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const empty = async () => {
  while (world.gateway.gateway.status.requests > 0) await sleep(10);
};

describe("who may use it", () => {
  test.each<[string, string, RequestInit, number]>([
    ["no key", "/v1/chat/completions", { method: "POST", body: "{}" }, 401],
    ["a wrong key", "/v1/models", { headers: { authorization: "Bearer wrong" } }, 401],
    ["the right key in another scheme", "/v1/models", { headers: { authorization: `Basic ${KEY}` } }, 401],
    ["the models", "/v1/models", { headers: AUTH }, 200],
    ["the server's secrets", "/server_info", { headers: AUTH }, 404],
    ["and by their old name", "/get_server_info", { headers: AUTH }, 404],
    ["another way to them", "/v1/../server_info", { headers: AUTH }, 404],
    ["metrics of the engine", "/metrics", { headers: AUTH }, 404],
    ["an order for the engine", "/flush_cache", { method: "POST", headers: AUTH }, 404],
    ["a wrong method", "/v1/chat/completions", { headers: AUTH }, 405],
    ["health needs no key", "/healthz", {}, 200],
  ])("%s", async (_name, path, init, expected) => {
    const response = await fetch(world.url + path, init);
    expect(response.status).toBe(expected);
    await response.text();
  });

  test("the operators' port wants its own token, and shows no secret", async () => {
    const { adminUrl } = world.gateway;
    for (const path of ["/status", "/metrics", "/role", "/decisions"]) {
      expect((await fetch(adminUrl + path)).status).toBe(401);
      expect((await fetch(adminUrl + path, { headers: AUTH })).status).toBe(401);
    }
    const headers = { authorization: `Bearer ${ADMIN_TOKEN}` };
    const status = await (await fetch(`${adminUrl}/status`, { headers })).text();
    expect(JSON.parse(status)).toMatchObject({
      active: "a",
      standby: "b",
      epoch: 1,
      model: "deepseek-v3",
      lastFailover: null,
    });
    const metrics = await (await fetch(`${adminUrl}/metrics`, { headers })).text();
    expect(metrics).toContain('tandem_gateway_group_active{group="a"} 1');
    const decisions = await (await fetch(`${adminUrl}/decisions`, { headers })).text();
    for (const secret of [KEY, ADMIN_TOKEN, "agent-token"]) expect(status + metrics + decisions).not.toContain(secret);
  });
});

describe("what is malformed", () => {
  test("thousands of malformed bodies: all 4xx, and the next good one is served", { timeout: 120_000 }, async () => {
    const good = { messages: [{ role: "user", content: "answer=3 reasoning=1" }], max_tokens: 5 };
    const wrong = fc.anything().filter((value) => JSON.stringify(value) !== undefined);
    const fields = [
      "messages",
      "model",
      "stream",
      "stream_options",
      "n",
      "stop",
      "temperature",
      "max_tokens",
      "tools",
      "rid",
      "logprobs",
    ];
    const bodies = fc.oneof(
      fc.string().filter((text) => !text.startsWith("{")),
      wrong.map((value) => JSON.stringify(value)).filter((text) => !text.includes('"messages"')),
      fc
        .tuple(
          fc.constantFrom("messages"),
          fc.oneof(fc.string(), fc.integer(), fc.constant([]), fc.constant([{}]), fc.constant([{ role: "user" }])),
        )
        .map(([field, value]) => JSON.stringify({ ...good, [field]: value })),
      fc.constantFrom(...fields).map((field) =>
        JSON.stringify({
          ...good,
          [field]: { a: [Symbol.iterator.toString()] },
          messages: field === "messages" ? 7 : good.messages,
          rid: "mine",
        }),
      ),
      fc.integer({ min: 1, max: 200 }).map((length) => JSON.stringify(good).slice(0, -1).padEnd(length, "[")),
      fc.integer({ min: 1, max: 5000 }).map((depth) => "[".repeat(depth)),
    );
    const samples = fc.sample(bodies, { numRuns: MALFORMED, seed: 7 });
    const seen = new Map<number, number>();
    const next = samples.values();
    const worker = async () => {
      for (const body of next) {
        const path = body.length % 2 === 0 ? "/v1/chat/completions" : "/v1/completions";
        const response = await fetch(world.url + path, { method: "POST", headers: AUTH, body });
        await response.text();
        seen.set(response.status, (seen.get(response.status) ?? 0) + 1);
      }
    };
    await Promise.all(Array.from({ length: 16 }, worker));
    expect([...seen.keys()].filter((status) => status < 400 || status >= 500)).toEqual([]);
    expect([...seen.values()].reduce((sum, count) => sum + count)).toBe(MALFORMED);
    expect((await ask(world.url, "/v1/chat/completions", good)).status).toBe(200);
  });

  test("what is not even HTTP", async () => {
    for (const bytes of [
      "\0\0\0\0\r\n\r\n",
      "GET / HTTP/9.9\r\n\r\n",
      "POST /v1/models HTTP/1.1\r\ncontent-length: x\r\n\r\n",
    ]) {
      const socket = createConnection(Number(new URL(world.url).port), "127.0.0.1");
      let answer = "";
      socket.on("data", (data) => (answer += data));
      socket.on("error", () => {});
      socket.write(bytes);
      await new Promise((resolve) => socket.on("close", resolve));
      expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    }
    expect((await fetch(`${world.url}/healthz`)).status).toBe(200);
  });

  const inside = (json: string) => `{"messages":[{"role":"user","content":"answer=3 reasoning=1"}],"more":${json}}`;
  test.each<[string, string, number]>([
    ["lists in an unknown field, deeper than JSON can be written", "[".repeat(50_000) + "]".repeat(50_000), 400],
    ["objects, a little too deep", '{"a":'.repeat(300) + 1 + "}".repeat(300), 400],
    ["as deep as a schema may be", "[".repeat(200) + "]".repeat(200), 200],
    ["more values than any prompt has tokens", `[${"{},".repeat(300_000)}1]`, 400],
    ["brackets in strings, which nest nothing", JSON.stringify(`"${"[{,".repeat(100_000)}\\`), 200],
  ])("%s", async (_name, json, status) => {
    const response = await fetch(`${world.url}/v1/chat/completions`, {
      method: "POST",
      headers: AUTH,
      body: inside(json),
    });
    await response.text();
    expect(response.status).toBe(status);
  });

  test("a body that is too long is not read", async () => {
    const response = await ask(world.url, "/v1/completions", { prompt: "x".repeat(1_100_000) });
    expect(response.status).toBe(413);
  });

  test("a foreign model, and a context that the engine refuses", async () => {
    const foreign = await ask(world.url, "/v1/completions", { model: "gpt-4", prompt: "x" });
    expect([foreign.status, (await jsonOf(foreign)).error.code]).toEqual([404, "model_not_found"]);
    const long = await ask(world.url, "/v1/chat/completions", { ...chat("x", 5, 5).body, max_tokens: 10_000_000 });
    expect(long.status).toBe(400);
    expect((await jsonOf(long)).error.message).toContain(
      "Requested token count exceeds the model's maximum context length",
    );
  });
});

describe("more than the engine takes", () => {
  test("a refusal that comes as HTTP 200 reaches the client as 503", async () => {
    const answers = Array.from({ length: 16 }, (_, id) =>
      ask(world.url, "/v1/chat/completions", chat(`q${id}`, 150, 5).body),
    );
    const responses = await Promise.all(answers);
    const refused = responses.filter(({ status }) => status === 503);
    expect(refused.length).toBeGreaterThan(0);
    expect(responses.filter(({ status }) => status === 200).length).toBeGreaterThan(0);
    for (const response of refused) {
      expect(response.headers.get("retry-after")).toBe("2");
      expect((await jsonOf(response)).error).toMatchObject({
        code: "engine_busy",
        message: expect.stringContaining("queue is full"),
      });
    }
    for (const response of responses) if (response.status === 200) expect((await readChat(response)).done).toBe(true);
  });
});

describe("clients that read slowly, or leave", () => {
  test("one that leaves: the engine stops writing for it", async () => {
    await empty();
    const abort = new AbortController();
    const response = await fetch(`${world.url}/v1/chat/completions`, {
      method: "POST",
      headers: AUTH,
      signal: abort.signal,
      body: JSON.stringify(chat("leaver", 100_000, 5).body),
    });
    const running = async () =>
      (await jsonOf(await fetch(`${world.a[0]?.url}/v1/loads`))).loads[0].num_running_reqs as number;
    expect(response.status).toBe(200);
    expect(await running()).toBe(1);
    abort.abort();
    await empty();
    const start = performance.now();
    while ((await running()) > 0) await sleep(50);
    // SGLang looks after 2 s.
    expect(performance.now() - start).toBeLessThan(4000);
  });
});

describe("answers of other forms", () => {
  test("several choices, with and without a stream", async () => {
    const { body, message } = chat("many", 20, 3, { n: 2 });
    const streamed = await readChat(await ask(world.url, "/v1/chat/completions", body));
    const text = (index: number) =>
      streamed.chunks
        .flatMap(({ choices }) => choices.filter((choice) => choice.index === index))
        .map(({ delta }) => delta.content ?? "")
        .join("");
    expect([text(0), text(1), streamed.done]).toEqual([expectedText(message, 20), expectedText(message, 20), true]);
    const whole = await jsonOf(await ask(world.url, "/v1/chat/completions", { ...body, stream: false }));
    expect(whole.choices.map(({ message: { content } }: { message: { content: string } }) => content)).toEqual([
      text(0),
      text(1),
    ]);
  });

  test("the running usage passes to a client that asked for it, and to no other", async () => {
    const count = async (options: object) => {
      let frames = 0;
      for await (const data of events(await ask(world.url, "/v1/chat/completions", chat("usage", 20, 3, options).body)))
        if (data.includes('"completion_tokens"')) frames += 1;
      return frames;
    };
    expect(await count({})).toBe(0);
    expect(await count({ stream_options: { include_usage: true } })).toBe(1);
    expect(await count({ stream_options: { include_usage: true, continuous_usage_stats: true } })).toBeGreaterThan(20);
  });

  test("without a failure the bytes are those of the engine", async () => {
    const { body } = chat("bytes", 30, 10, { stream_options: { include_usage: true } });
    const read = async (url: string) => {
      const text = await (await ask(url, "/v1/chat/completions", body)).text();
      return text.replace(/"id":"[0-9a-f]+"/g, '"id":"X"').replace(/"created":\d+/g, '"created":0');
    };
    expect(await read(world.url)).toBe(await read(world.a[0]?.url ?? ""));
    const prompt = { model: "deepseek-v3", prompt: "bytes answer=30", stream: true, max_tokens: 40 };
    const raw = async (url: string) =>
      (await (await ask(url, "/v1/completions", prompt)).text())
        .replace(/"id":"[0-9a-f]+"/g, "")
        .replace(/"created":\d+/g, "");
    expect(await raw(world.url)).toBe(await raw(world.a[0]?.url ?? ""));
  });
});
