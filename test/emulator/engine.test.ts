import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { expectedText, tagOf } from "../../src/emulator/tokens.ts";
import { events, jsonOf, readChat, type ServerProcess, startGroup } from "./server-process.ts";

const user = (content: string) => [{ role: "user", content }];

describe("a group of two servers with a reasoning parser", () => {
  let leader: ServerProcess;
  let worker: ServerProcess;
  beforeAll(async () => {
    const flags = [
      "--reasoning-parser",
      "deepseek-r1",
      "--enable-metrics",
      "--enable-cache-report",
      "--context-length",
      "4096",
    ];
    [leader, worker] = (await startGroup({ flags })) as [ServerProcess, ServerProcess];
  });
  afterAll(() => Promise.all([leader.stop(), worker.stop()]));

  const chat = (body: object) => leader.post("/v1/chat/completions", body);
  const stream = async (body: object) => readChat(await chat({ stream: true, ...body }));

  test("frames of a stream are SGLang's, byte for byte", async () => {
    const response = await chat({
      stream: true,
      rid: "r1",
      model: "m",
      messages: user("q reasoning=1 answer=1"),
      stream_options: { include_usage: true },
    });
    expect(response.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
    const tag = tagOf("q reasoning=1 answer=1");
    const frames: string[] = [];
    for await (const data of events(response)) frames.push(data.replace(/"created":\d+/, '"created":0'));
    const head = '{"id":"r1","object":"chat.completion.chunk","created":0,"model":"m","choices":[{"index":0,"delta":';
    const none = ',"logprobs":null,"finish_reason":null,"matched_stop":null}]}';
    expect(frames.slice(0, -2)).toEqual([
      `${head}{"reasoning_content":null,"role":"assistant","content":""}${none}`,
      `${head}{"reasoning_content":"${tag}~0 "}${none}`,
      `${head}{"reasoning_content":null,"content":"${tag}-0 "}${none}`,
      `${head}{"reasoning_content":null},"logprobs":null,"finish_reason":"stop","matched_stop":1}]}`,
    ]);
    expect(JSON.parse(frames.at(-2) ?? "")).toMatchObject({
      choices: [],
      // One reasoning token, the closing tag, one answer token and the end of sentence.
      usage: { completion_tokens: 4, reasoning_tokens: 2, prompt_tokens_details: { cached_tokens: 0 } },
    });
    expect(frames.at(-1)).toBe("[DONE]");
  });

  test("without streaming the same text, and usage", async () => {
    const response = await chat({ messages: user("plain reasoning=2 answer=3") });
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({
      object: "chat.completion",
      choices: [
        {
          message: {
            role: "assistant",
            content: expectedText("plain reasoning=2 answer=3", 3),
            reasoning_content: expectedText("plain reasoning=2 answer=3", 2, "reasoning"),
          },
          finish_reason: "stop",
        },
      ],
      usage: { completion_tokens: 7 },
    });
  });

  test("continuous usage counts every token at its place", async () => {
    const answer = await stream({
      messages: user("count reasoning=1 answer=4"),
      stream_options: { include_usage: true, continuous_usage_stats: true },
    });
    const counts = answer.chunks.flatMap((chunk) =>
      chunk.usage === undefined || chunk.choices.length === 0 ? [] : [chunk.usage.completion_tokens],
    );
    // The closing tag is the second token and makes no frame of its own; the end of sentence is the seventh.
    expect(counts).toEqual([1, 3, 4, 5, 6]);
  });

  test("max_tokens, stop strings and ignore_eos end an answer", async () => {
    const message = "end reasoning=0 answer=5";
    expect(await stream({ messages: user(message), max_tokens: 2 })).toMatchObject({ finish: "length" });
    const tag = tagOf(message);
    const stopped = await stream({ messages: user(message), stop: [`${tag}-2`] });
    expect(stopped).toMatchObject({ finish: "stop", content: `${tag}-0 ${tag}-1 ` });
    expect(stopped.chunks.at(-1)?.choices[0]?.matched_stop).toBe(`${tag}-2`);
    expect((await stream({ messages: user(message), ignore_eos: true, max_tokens: 9 })).content).toContain(`${tag}-7 `);
  });

  test("n choices come under their own index", async () => {
    const answer = await stream({ messages: user("n reasoning=0 answer=2"), n: 2 });
    const texts = [0, 1].map((index) =>
      answer.chunks
        .flatMap(({ choices }) =>
          choices.filter((choice) => choice.index === index).map(({ delta }) => delta.content ?? ""),
        )
        .join(""),
    );
    expect(texts).toEqual([expectedText("n reasoning=0 answer=2", 2), expectedText("n reasoning=0 answer=2", 2)]);
  });

  test("a stream cut anywhere is carried on to the same answer, reasoning and content apart", async () => {
    const message = "carry on reasoning=3 answer=12";
    const whole = await stream({ messages: user(message) });
    expect(whole.content).toBe(expectedText(message, 12));
    const length = whole.reasoning.length + whole.content.length;
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: length }), async (cut) => {
        const reasoning = whole.reasoning.slice(0, cut);
        const content = whole.content.slice(0, Math.max(0, cut - whole.reasoning.length));
        // Until content arrives the reader cannot know that the reasoning is over (facts 5, cases 1 and 2).
        const prefix = content === "" ? reasoning : `${reasoning}</think>${content}`;
        const rest = await stream({
          messages: [...user(message), { role: "assistant", content: prefix }],
          continue_final_message: true,
        });
        expect(reasoning + rest.reasoning).toBe(whole.reasoning);
        expect(content + rest.content).toBe(whole.content);
      }),
      { numRuns: 60 },
    );
  });

  test("content alone as prefix goes on as reasoning: the trap of the R1 parser", async () => {
    const message = "trap reasoning=2 answer=4";
    const rest = await stream({
      messages: [...user(message), { role: "assistant", content: expectedText(message, 2) }],
      continue_final_message: true,
    });
    expect(rest).toMatchObject({ content: "", reasoning: `${tagOf(message)}-2 ${tagOf(message)}-3 ` });
  });

  test("separate_reasoning false gives the raw text with its tag", async () => {
    const message = "raw reasoning=1 answer=1";
    const answer = await stream({ messages: user(message), separate_reasoning: false });
    expect(answer).toMatchObject({
      reasoning: "",
      content: `${expectedText(message, 1, "reasoning")}</think>${expectedText(message, 1)}`,
    });
  });

  test("a trailing assistant message without the flag is a user message", async () => {
    const answer = await stream({ messages: [...user("a"), { role: "assistant", content: "b reasoning=0 answer=1" }] });
    expect(answer.content).toBe(expectedText("b reasoning=0 answer=1", 1));
  });

  test.each([
    [{}, 400, /messages/],
    [{ messages: [] }, 400, /cannot be empty/],
    [{ messages: user("x"), max_tokens: "many" }, 400, /max_tokens/],
    [{ messages: user("x"), max_tokens: 9000 }, 400, /maximum context length of 4096 tokens/],
    [{ messages: user("long ".repeat(5000)) }, 400, /longer than the model's context length/],
    [{ messages: [...user("x"), { role: "assistant", content: null }], continue_final_message: true }, 500, /NoneType/],
  ])("%j is refused with %i", async (body, status, message) => {
    for (const streaming of [true, false]) {
      const response = await chat({ ...body, stream: streaming });
      expect(response.status).toBe(status);
      expect(await response.json()).toMatchObject({
        object: "error",
        code: status,
        message: expect.stringMatching(message),
      });
    }
  });

  test("bad JSON, a wrong content type, an unknown path, a wrong method", async () => {
    const raw = (body: string, type: string) =>
      fetch(`${leader.url}/v1/chat/completions`, { method: "POST", headers: { "content-type": type }, body });
    expect((await raw("{", "application/json")).status).toBe(400);
    expect((await raw("{}", "text/plain")).status).toBe(400);
    expect((await fetch(`${leader.url}/v1/nothing`)).status).toBe(404);
    expect((await fetch(`${leader.url}/v1/chat/completions`)).status).toBe(405);
  });

  test("completions go on from the text that is appended to the prompt", async () => {
    const message = "Once reasoning=0 answer=9";
    const first = await jsonOf(await leader.post("/v1/completions", { prompt: message, max_tokens: 4 }));
    expect(first).toMatchObject({
      object: "text_completion",
      choices: [{ text: expectedText(message, 4), finish_reason: "length" }],
    });
    const second = await jsonOf(
      await leader.post("/v1/completions", { prompt: message + expectedText(message, 4), max_tokens: 3 }),
    );
    expect(second.choices[0].text).toBe(expectedText(message, 7).slice(expectedText(message, 4).length));
  });

  test("/generate streams the whole text so far, and goes on from its output ids", async () => {
    const message = "native answer=5";
    const response = await leader.post("/generate", {
      text: message,
      sampling_params: { max_new_tokens: 3 },
      stream: true,
    });
    const texts: string[] = [];
    let ids: number[] = [];
    for await (const data of events(response)) {
      if (data === "[DONE]") continue;
      texts.push(JSON.parse(data).text);
      ids = JSON.parse(data).output_ids;
    }
    expect(texts.at(-1)).toBe(expectedText(message, 3));
    expect(ids).toHaveLength(3);
    const { tokens } = await jsonOf(await leader.post("/tokenize", { prompt: message }));
    const rest = await jsonOf(
      await leader.post("/generate", { input_ids: [...tokens, ...ids], sampling_params: { max_new_tokens: 1 } }),
    );
    expect(rest.text).toBe(`${tagOf(message)}-3 `);
  });

  test("the same prompt a second time is cached", async () => {
    const messages = user(`${"shared context ".repeat(40)} reasoning=0 answer=1`);
    const cached = async () =>
      (await stream({ messages, stream_options: { include_usage: true } })).usage?.prompt_tokens_details;
    expect(await cached()).toEqual({ cached_tokens: 0 });
    expect(((await cached()) as { cached_tokens: number }).cached_tokens).toBeGreaterThan(100);
  });

  test("probes, models, loads and metrics of rank 0", async () => {
    const get = (path: string) => fetch(leader.url + path);
    for (const path of ["/ready", "/ping", "/model_info", "/server_info"]) expect((await get(path)).status).toBe(200);
    const began = performance.now();
    expect((await get("/health")).status).toBe(200);
    expect(performance.now() - began).toBeGreaterThan(950);
    expect(await (await get("/v1/models")).json()).toMatchObject({
      data: [{ id: "/models/deepseek-v3", max_model_len: 4096 }],
    });
    expect(await (await get("/v1/loads?include=core&format=json")).json()).toMatchObject({
      loads: [{ dp_rank: 0, num_running_reqs: 0, max_total_num_tokens: 400_000 }],
    });
    const metrics = await (await get("/metrics")).text();
    expect(metrics).toMatch(
      /^sglang:num_running_reqs\{model_name="\/models\/deepseek-v3",engine_type="unified",tp_rank="0".*\} 0$/m,
    );
    expect(metrics).toMatch(/^sglang:generation_tokens_total\{.*\} [1-9]\d*$/m);
    expect(metrics).toMatch(/^sglang:realtime_tokens_total\{.*,mode="prefill_compute"\} [1-9]\d*$/m);
  });

  test("while an answer is written only the live counter grows, 40 steps at a time", async () => {
    const counter = async (name: string, mode = "") => {
      const text = await (await fetch(`${leader.url}/metrics`)).text();
      return Number(new RegExp(`^sglang:${name}\\{.*${mode}.*\\} (\\d+)$`, "m").exec(text)?.[1] ?? 0);
    };
    const before = {
      finished: await counter("generation_tokens_total"),
      live: await counter("realtime_tokens_total", "decode"),
    };
    const abort = new AbortController();
    const body = { messages: user("live counter reasoning=0 answer=3000"), stream: true };
    const response = await leader.post("/v1/chat/completions", body, {}, abort.signal);
    let live = before.live;
    for await (const _ of events(response)) {
      live = await counter("realtime_tokens_total", "decode");
      if (live > before.live) break;
    }
    expect(live).toBeGreaterThan(before.live);
    expect(await counter("generation_tokens_total")).toBe(before.finished);
    abort.abort();
  });

  test("the worker always says yes and serves nothing else", async () => {
    for (const path of ["/health", "/health_generate", "/ping", "/metrics"])
      expect((await fetch(worker.url + path)).status).toBe(200);
    for (const path of ["/ready", "/v1/models", "/server_info"])
      expect((await fetch(worker.url + path)).status).toBe(404);
  });

  test("an aborted request ends with finish_reason abort, an unknown one is no error", async () => {
    const response = await chat({
      stream: true,
      rid: "gone",
      messages: user("abort reasoning=0 answer=100000"),
      max_tokens: 3900,
      ignore_eos: true,
    });
    const reading = readChat(response);
    expect((await leader.post("/abort_request", { rid: "nobody" })).status).toBe(200);
    expect((await leader.post("/abort_request", { rid: "gone" })).status).toBe(200);
    expect(await reading).toMatchObject({ finish: "abort", done: true });
  });

  test("a pause makes /ready false, ends what runs, and can be taken back", async () => {
    const reading = chat({
      stream: true,
      messages: user("pause reasoning=0"),
      max_tokens: 3900,
      ignore_eos: true,
    }).then(readChat);
    expect(await jsonOf(await leader.post("/pause_generation", { mode: "abort" }))).toMatchObject({ status: "ok" });
    expect((await fetch(`${leader.url}/ready`)).status).toBe(503);
    expect((await fetch(`${leader.url}/ping`)).status).toBe(200);
    await leader.post("/continue_generation", {});
    expect((await fetch(`${leader.url}/ready`)).status).toBe(200);
    expect((await reading).finish).toBe("abort");
    expect((await fetch(`${leader.url}/flush_cache`, { method: "POST" })).status).toBe(200);
  });
});
