import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { pino } from "pino";
import { type GatewayConfigInput, parseGatewayConfig } from "../../src/gateway/config.ts";
import { type RunningGateway, serveGateway } from "../../src/gateway/serve.ts";
import { subscribe } from "../../src/stream/subscribe.ts";
import { ADMIN_TOKEN, AGENT_TOKEN, configFor } from "./gateway-fixture.ts";

/** A request as an engine got it. */
export interface Asked {
  // biome-ignore lint/suspicious/noExplicitAny: tests look into bodies of many shapes
  body: any;
  headers: IncomingHttpHeaders;
  response: ServerResponse;
  /** Sends frames of a stream, without an end: a string goes as it is, anything else as JSON. */
  write(...frames: (string | object)[]): void;
}

/** An engine that does with each request what a test says, frame by frame; canaries it answers by itself. */
export class ScriptedEngine {
  readonly asked: Asked[] = [];
  /** While it is, nothing is answered and nothing is closed: a server without power. */
  dark = false;
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(answer: (asked: Asked, count: number) => void): Promise<ScriptedEngine> {
    const server = createServer(async (request, response) => {
      const parts: Buffer[] = [];
      for await (const part of request as AsyncIterable<Buffer>) parts.push(part);
      const body = JSON.parse(Buffer.concat(parts).toString());
      if (engine.dark) return;
      if (body.prompt === "canary") return void response.end("{}");
      const write = (...frames: (string | object)[]) => {
        if (!response.headersSent) response.writeHead(200, { "content-type": "text/event-stream" });
        for (const one of frames) response.write(`data: ${typeof one === "string" ? one : JSON.stringify(one)}\n\n`);
      };
      const asked = { body, headers: request.headers, response, write };
      answer(asked, engine.asked.push(asked));
    });
    const engine = new ScriptedEngine(server);
    await once(server.listen(0, "127.0.0.1"), "listening");
    return engine;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  stop(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

export interface Scripted {
  a: ScriptedEngine;
  b: ScriptedEngine;
  gateway: RunningGateway;
  url: string;
  /** Gives group `a` up: what runs there goes on in `b`. */
  giveUpA(): void;
  close(): Promise<void>;
}

/** A gateway before two groups of such engines. */
export async function startScripted(
  script: { a: (asked: Asked, count: number) => void; b: (asked: Asked, count: number) => void },
  config: Partial<GatewayConfigInput> = {},
  agents: Record<string, string> = {},
): Promise<Scripted> {
  const [a, b] = [await ScriptedEngine.start(script.a), await ScriptedEngine.start(script.b)];
  const gateway = await serveGateway(
    parseGatewayConfig(configFor({ a: [a.url], b: [b.url] }, agents, config)),
    { agentToken: AGENT_TOKEN, adminToken: ADMIN_TOKEN, engineKey: null },
    { subscribe, log: pino({ level: process.env.TANDEM_TEST_LOG ?? "silent" }) },
  );
  const giveUpA = () => void gateway.gateway.roles.set({ active: "b", epoch: 2, reason: "a test", why: "failover" });
  const close = async () => {
    a.stop();
    b.stop();
    gateway.gateway.traffic.shed("the test is over", 1);
    await gateway.stop();
  };
  return { a, b, gateway, url: gateway.url, giveUpA, close };
}

const HEAD = { id: "engine", created: 1, model: "deepseek-v3" };
const choiceOf = (index: number, more: object) => ({
  index,
  ...more,
  logprobs: null,
  finish_reason: null,
  matched_stop: null,
});
const usageOf = (tokens: number, prompt = 7) => ({
  prompt_tokens: prompt,
  total_tokens: prompt + tokens,
  completion_tokens: tokens,
  reasoning_tokens: 0,
});

/** A chat's piece of text, which is its token number `tokens`. */
export function said(content: string, tokens: number) {
  const choices = [choiceOf(0, { delta: { reasoning_content: null, content } })];
  return { ...HEAD, object: "chat.completion.chunk", choices, usage: usageOf(tokens) };
}

export function finished(reason = "stop") {
  const choices = [{ ...choiceOf(0, { delta: { reasoning_content: null } }), finish_reason: reason }];
  return { ...HEAD, object: "chat.completion.chunk", choices };
}

export function counted(tokens: number) {
  return { ...HEAD, object: "chat.completion.chunk", choices: [], usage: usageOf(tokens) };
}

/** A piece of one of a completion's texts; with a reason its last one. */
export function completed(index: number, text: string, reason: string | null = null) {
  const choices = [{ ...choiceOf(index, { text }), finish_reason: reason }];
  return { ...HEAD, object: "text_completion", choices };
}

export const DONE = "[DONE]";
