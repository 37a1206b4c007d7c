import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openStream } from "../../src/drill/client.ts";
import { isPerfect, judgeStream } from "../../src/drill/judge.ts";
import { planStreams } from "../../src/drill/plan-streams.ts";
import { SseReader } from "../../src/drill/sse.ts";
import { tagOf } from "../../src/emulator/tokens.ts";
import { type ServerProcess, startGroup } from "../emulator/server-process.ts";
import { chat } from "./records.ts";

const open: { close(): void }[] = [];
afterAll(() => {
  for (const server of open) server.close();
});

async function serve(listener: RequestListener): Promise<string> {
  const server: Server = createServer(listener).listen(0, "127.0.0.1");
  await once(server, "listening");
  open.push({
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
}

describe("an event stream is read", () => {
  test("however it is cut", () => {
    const text = ': alive\n\ndata: {"a":1}\n\ndata: two\ndata: lines\r\n\r\nevent: x\ndata:[DONE]\n\n';
    fc.assert(
      fc.property(fc.array(fc.nat(text.length)), (cuts) => {
        const places = [0, ...cuts.toSorted((a, b) => a - b), text.length];
        const reader = new SseReader();
        const events = places.flatMap((from, at) => reader.push(text.slice(from, places[at + 1] ?? text.length)));
        expect(events).toEqual(['{"a":1}', "two\nlines", "[DONE]"]);
        expect(reader.unfinished).toBe("");
      }),
    );
  });

  test("and its torn end is seen", () => {
    const reader = new SseReader();
    expect(reader.push('data: {"a":1}\n\ndata: {"b"')).toEqual(['{"a":1}']);
    expect(reader.unfinished).toBe('data: {"b"');
  });
});

describe("what goes wrong on the way is written down", () => {
  const ask = async (listener: RequestListener, idleTimeoutMs?: number) => {
    const options = {
      baseUrl: await serve(listener),
      model: "m",
      apiKey: "k",
      ...(idleTimeoutMs ? { idleTimeoutMs } : {}),
    };
    return openStream(chat, options).ended;
  };

  test.each<[string, RequestListener, string]>([
    ["a refusal", (_, response) => response.writeHead(429).end("busy"), "busy"],
    ["a closed connection", (request) => request.socket.destroy(), "connection: socket hang up"],
    [
      "a stream torn in a frame",
      (_, response) => {
        response.writeHead(200);
        response.write('data: {"id":"a","choices":[{"delta":{"content":"x');
        setTimeout(() => response.end(), 20);
      },
      "cut off in a frame",
    ],
    [
      "a stream torn by a reset",
      (request, response) => {
        response.writeHead(200);
        response.write('data: {"id":"a","choices":[]}\n\n');
        setTimeout(() => request.socket.resetAndDestroy(), 20);
      },
      "ECONNRESET",
    ],
    [
      "an error event",
      (_, response) => response.writeHead(200).end('data: {"error":{"code":503}}\n\n'),
      '{"code":503}',
    ],
    ["no JSON", (_, response) => response.writeHead(200).end("data: {oops\n\n"), "no JSON: {oops"],
  ])("%s", async (_name, listener, sentence) => {
    const record = await ask(listener);
    expect(record.errors.map(({ text }) => text).join("; ")).toContain(sentence);
    expect(isPerfect(judgeStream(record))).toBe(false);
  });

  test("silence", async () => {
    const record = await ask((_, response) => void response.writeHead(200).flushHeaders(), 50);
    expect(record.errors).toMatchObject([{ text: "nothing came for too long" }]);
  });

  test("nobody listens", async () => {
    const { errors, status } = await openStream(chat, { baseUrl: "http://127.0.0.1:1/v1", model: "m" }).ended;
    expect(errors).toMatchObject([{ text: expect.stringContaining("ECONNREFUSED") }]);
    expect(status).toBeNull();
  });
});

describe("planned streams", () => {
  const plan = (count: number, thinking: "always" | "asked" | "never") =>
    planStreams({
      count,
      model: { thinking, opensThink: false },
      promptTokens: { min: 10, max: 20_000 },
      answerTokens: { min: 20, max: 60 },
      run: "t",
      random: Math.random,
    });

  test("all kinds that the model knows, all lengths, a tag each", () => {
    const streams = plan(60, "asked");
    expect(new Set(streams.map(({ kind }) => kind))).toEqual(new Set(["chat", "chat-thinking", "completion"]));
    expect(new Set(streams.map(({ prompt }) => tagOf(prompt))).size).toBe(60);
    const sizes = streams.map(({ prompt }) => prompt.length / 4);
    expect(Math.min(...sizes)).toBeLessThan(14);
    expect(Math.max(...sizes)).toBeGreaterThan(19_990);
    expect(plan(3, "never").every(({ reasoningTokens }) => reasoningTokens === 0)).toBe(true);
    expect(plan(3, "always").some(({ kind }) => kind === "chat")).toBe(false);
  });
});

describe("against emulated engines", () => {
  const groups: ServerProcess[] = [];
  let urls: Record<string, string> = {};
  beforeAll(async () => {
    const start = async (flags: string[]) => {
      const group = await startGroup({ flags: ["--context-length", "65536", ...flags], nnodes: 1, tp: 2 });
      groups.push(...group);
      return `${group[0]?.url}/v1`;
    };
    const [always, asked, never] = await Promise.all([
      start(["--reasoning-parser", "deepseek-r1"]),
      start(["--reasoning-parser", "deepseek-v3"]),
      start([]),
    ]);
    urls = { always: always as string, asked: asked as string, never: never as string };
  });
  afterAll(() => Promise.all(groups.map((server) => server.stop())));

  const run = (thinking: "always" | "asked" | "never") =>
    planStreams({
      count: 20,
      model: { thinking, opensThink: false },
      promptTokens: { min: 10, max: 20_000 },
      answerTokens: { min: 20, max: 120 },
      run: thinking,
      random: Math.random,
    }).map((request) => openStream(request, { baseUrl: urls[thinking] as string, model: "m" }).ended);

  test.each(["always", "asked", "never"] as const)(
    "a model that thinks %s: twenty streams are perfect",
    async (thinking) => {
      for (const record of await Promise.all(run(thinking))) {
        const verdict = judgeStream(record);
        expect({ ...verdict, perfect: isPerfect(verdict) }).toMatchObject({ problems: [], lost: 0, perfect: true });
      }
    },
  );

  test("an engine that writes foreign tokens is caught", async () => {
    const leader = groups.find(({ url }) => urls.never?.startsWith(url)) as ServerProcess;
    await leader.order({ fault: "wrong-answer", every: 10 });
    const verdicts = (await Promise.all(run("never"))).map(judgeStream);
    await leader.order({ fault: "clear" });
    expect(verdicts.every((verdict) => verdict.foreign > 0 && !isPerfect(verdict))).toBe(true);
  });

  test("an engine that dies is seen as lost tokens", async () => {
    const leader = groups.find(({ url }) => urls.asked?.startsWith(url)) as ServerProcess;
    const streams = run("asked");
    await leader.order({ fault: "slow", factor: 50 });
    await leader.order({ fault: "exception" });
    const verdicts = (await Promise.all(streams)).map(judgeStream);
    expect(verdicts.some(({ lost, problems }) => lost > 0 && problems.length > 0)).toBe(true);
  });
});
