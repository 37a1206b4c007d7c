import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { CALL_NAME, callTokens, expectedText, tagOf } from "../../src/emulator/tokens.ts";
import { events, jsonOf } from "../emulator/server-process.ts";
import { BreakingProxy } from "./breaking-proxy.ts";
import { AUTH, ask, chat, type Engines, startEngines, startWorld, type World } from "./gateway-fixture.ts";
import { judge } from "./judge.ts";

let engines: Engines;
let world: World | undefined;
let proxies: BreakingProxy[] = [];
// One start of the engines for all: here only the connections to them break.
beforeAll(async () => {
  engines = await startEngines({ flags: ["--reasoning-parser", "deepseek-r1", "--tool-call-parser", "deepseekv31"] });
});
afterAll(() => engines.stop());
async function start(config: object = {}): Promise<World> {
  world = await startWorld({
    config,
    engines,
    proxied: async (url) => {
      const proxy = await BreakingProxy.before(url);
      proxies.push(proxy);
      return proxy.url;
    },
  });
  return world;
}
afterEach(async () => {
  await world?.close();
  await engines.a[0]?.order({ fault: "clear" });
  await Promise.all(proxies.map((proxy) => proxy.close()));
  proxies = [];
});
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

async function readAll(
  response: Response,
): Promise<{ error: { message: string; code: string } | undefined; done: boolean; frames: number }> {
  let [error, done, frames] = [undefined as { message: string; code: string } | undefined, false, 0];
  for await (const data of events(response)) {
    frames += 1;
    if (data === "[DONE]") done = true;
    else error = (JSON.parse(data) as { error?: { message: string; code: string } }).error ?? error;
  }
  return { error, done, frames };
}

test.each<[string, object, string]>([
  ["several choices", { n: 2 }, "it has several choices"],
  ["a grammar", { response_format: { type: "json_object" } }, "its output is bound to a grammar"],
  ["logprobs", { logprobs: true }, "it asks for logprobs"],
])("%s, of which a part was sent, end with a clear event and no [DONE]", async (_name, more, why) => {
  const { url } = await start();
  const response = await ask(url, "/v1/chat/completions", chat("stuck", 400, 5, more).body);
  setTimeout(() => void proxies[0]?.crash(), 300);
  const { error, done, frames } = await readAll(response);
  expect(frames).toBeGreaterThan(3);
  expect(error).toMatchObject({ code: "stream_not_continued", message: expect.stringContaining(why) });
  expect(done).toBe(false);
});

const TOOLS = [{ type: "function", function: { name: CALL_NAME, parameters: { type: "object" } } }];

/** Reads until `enough`, then breaks the group, and reads on to the end. */
async function brokenWhen(enough: (chunk: Chunk) => boolean, prompt: string) {
  const { url } = await start();
  const { body } = chat(prompt, 40, 3, { tools: TOOLS });
  const response = await ask(url, "/v1/chat/completions", body);
  const chunks: Chunk[] = [];
  let crashed = false;
  let done = false;
  for await (const data of events(response)) {
    if (data === "[DONE]") done = true;
    else chunks.push(JSON.parse(data) as Chunk);
    if (crashed || !chunks.some(enough)) continue;
    crashed = true;
    void proxies[0]?.crash();
  }
  const deltas = chunks.flatMap(({ choices = [] }) => choices.map(({ delta }) => delta));
  return {
    done,
    error: chunks.find(({ error }) => error !== undefined)?.error,
    content: deltas.map(({ content }) => content ?? "").join(""),
    calls: deltas.flatMap(({ tool_calls: calls }) => calls ?? []),
    finish: chunks.flatMap(({ choices = [] }) => choices.flatMap((one) => one.finish_reason ?? [])),
  };
}
interface Chunk {
  choices?: {
    delta: { content?: string | null; tool_calls?: { id: string | null; function: { arguments: string } }[] | null };
    finish_reason: string | null;
  }[];
  error?: { code: string; message: string };
}

test("a tool call of which a part was sent ends with a clear event and no [DONE]", async () => {
  const prompt = "half a call call=2000";
  const { done, error, content, calls } = await brokenWhen(
    ({ choices = [] }) => choices.some(({ delta }) => (delta.tool_calls ?? []).length > 0),
    prompt,
  );
  expect(error).toMatchObject({
    code: "stream_not_continued",
    message: expect.stringContaining("a part of a tool call was sent"),
  });
  expect(done).toBe(false);
  expect(content).toBe(expectedText(chat(prompt, 40, 3).message, 40));
  expect(calls.filter(({ id }) => id !== null)).toHaveLength(1);
});

test("text before a tool call is carried on, and the call comes once and whole", async () => {
  const prompt = "text then call call=20";
  const { done, error, content, calls, finish } = await brokenWhen(
    ({ choices = [] }) => choices.some(({ delta }) => (delta.content ?? "") !== ""),
    prompt,
  );
  const { message } = chat(prompt, 40, 3);
  expect([error, done, finish]).toEqual([undefined, true, ["tool_calls"]]);
  expect(content).toBe(expectedText(message, 40));
  expect(calls.map((call) => call.function.arguments).join("")).toBe(
    callTokens(tagOf(message), 20).slice(1, -1).join(""),
  );
});

test("the same requests are restarted if nothing was sent", async () => {
  const { url, a, gateway } = await start();
  await a[0]?.order({ fault: "hang" });
  const bodies = [{ n: 2 }, { n: 2, stream: false }, { response_format: { type: "json_object" } }, { tools: TOOLS }];
  const answers = bodies.map((more) => ask(url, "/v1/chat/completions", chat("fresh", 20, 5, more).body));
  while (gateway.gateway.status.requests < bodies.length) await sleep(10);
  await proxies[0]?.crash();
  for (const response of await Promise.all(answers)) {
    expect(response.status).toBe(200);
    expect(await response.text()).not.toContain('"error"');
  }
});

test("no group is left: requests are held, then refused with the time to come back, then served again", {
  timeout: 60_000,
}, async () => {
  const { url, gateway } = await start({ holdDeadlineMs: 2000 });
  const half = await ask(url, "/v1/chat/completions", chat("half", 2000, 5).body);
  await Promise.all(proxies.map((proxy) => proxy.crash()));
  const begun = performance.now();
  const held = await ask(url, "/v1/chat/completions", chat("held", 20, 5).body);
  expect([held.status, held.headers.get("retry-after")]).toEqual([503, "5"]);
  expect((await jsonOf(held)).error.code).toBe("no_group");
  expect(performance.now() - begun).toBeGreaterThan(1500);
  const { error, done } = await readAll(half);
  expect([error?.code, done]).toEqual(["no_group", false]);
  const refused = performance.now();
  expect((await ask(url, "/v1/chat/completions", chat("late", 20, 5).body)).status).toBe(503);
  expect(performance.now() - refused).toBeLessThan(500);
  expect(gateway.gateway.status).toMatchObject({ choice: "shed", active: null });
  await proxies[1]?.restore();
  while (gateway.gateway.status.choice !== "use") await sleep(20);
  expect(
    await judge(url, { kind: "chat", prompt: "again", answer: 20, reasoning: 5, maxTokens: 0, thinking: true }),
  ).toEqual([]);
});

test("a gap shorter than the deadline is only a wait", async () => {
  const { url } = await start();
  const answer = judge(url, { kind: "chat", prompt: "gap", answer: 400, reasoning: 5, maxTokens: 0, thinking: true });
  await sleep(400);
  await Promise.all(proxies.map((proxy) => proxy.crash()));
  await sleep(700);
  await proxies[0]?.restore();
  expect(await answer).toEqual([]);
});

test("more than the gateway's own bound is refused with 429 at once", async () => {
  const { url, gateway } = await start({ limits: { maxRequests: 3, drainMs: 100 } });
  const abort = new AbortController();
  const body = JSON.stringify(chat("hold", 100_000, 5).body);
  const init = { method: "POST", headers: AUTH, body };
  for (let id = 0; id < 3; id++)
    void fetch(`${url}/v1/chat/completions`, { ...init, signal: abort.signal }).catch(() => {});
  while (gateway.gateway.status.requests < 3) await sleep(5);
  const refused = await fetch(`${url}/v1/chat/completions`, init);
  expect([refused.status, refused.headers.get("retry-after")]).toEqual([429, "1"]);
  expect((await jsonOf(refused)).error.code).toBe("overloaded");
  abort.abort();
  while (gateway.gateway.status.requests > 0) await sleep(5);
  expect((await ask(url, "/v1/chat/completions", chat("next", 5, 5).body)).status).toBe(200);
});
