import { createHash } from "node:crypto";
import { type Logger, pino } from "pino";
import { type GatewayConfigInput, parseGatewayConfig } from "../../src/gateway/config.ts";
import { type RunningGateway, serveGateway } from "../../src/gateway/serve.ts";
import { subscribe } from "../../src/stream/subscribe.ts";
import type { Subscribe } from "../../src/stream/subscription.ts";
import { type GroupOptions, type ServerProcess, startGroup } from "../emulator/server-process.ts";

export const KEY = "test-key-0123456789";
export const ADMIN_TOKEN = "admin-token-0123456789";
export const AGENT_TOKEN = "agent-token-0123456789";
export const AUTH = { authorization: `Bearer ${KEY}` };
const R1 = ["--reasoning-parser", "deepseek-r1"];

export interface World {
  a: ServerProcess[];
  b: ServerProcess[];
  gateway: RunningGateway;
  url: string;
  close(): Promise<void>;
}

export interface Engines {
  a: ServerProcess[];
  b: ServerProcess[];
  stop(): Promise<void>;
}

export interface WorldOptions {
  engine?: GroupOptions;
  /** Engines that run already, and outlive this world: a gateway costs nothing, eight processes some seconds. */
  engines?: Engines;
  config?: Partial<GatewayConfigInput>;
  subscribe?: Subscribe;
  /** Takes each line of the gateway's log. */
  onLog?: (line: string) => void;
  agents?: Record<string, string>;
  /** Where the gateway looks for a group's leader; by default where it is. */
  urlsOf?: (servers: readonly ServerProcess[]) => string[];
  /** Puts something between gateway and engine; called for `a`, then for `b`. */
  proxied?: (url: string) => Promise<string>;
}

/** What a gateway in front of two groups of engine processes is told. */
export function configFor(
  urls: { a: string[]; b: string[] },
  agents: Record<string, string> = {},
  more: Partial<GatewayConfigInput> = {},
): GatewayConfigInput {
  // Port 9 (discard): nobody listens, so the agent is never heard.
  const agent = (id: string) => ({ agent: agents[id] ?? "http://127.0.0.1:9" });
  return {
    listen: { host: "127.0.0.1", port: 0 },
    admin: { host: "127.0.0.1", port: 0 },
    model: { name: "deepseek-v3", parser: "deepseek-r1", templateOpensThink: true, contextLength: 65_536 },
    servers: { "gpu-a": agent("gpu-a"), "gpu-b": agent("gpu-b"), "gpu-c": agent("gpu-c"), "gpu-d": agent("gpu-d") },
    groups: { a: { servers: ["gpu-a", "gpu-b"], urls: urls.a }, b: { servers: ["gpu-c", "gpu-d"], urls: urls.b } },
    active: "a",
    epoch: 1,
    keys: [{ name: "test", sha256: createHash("sha256").update(KEY).digest("hex") }],
    ...more,
  };
}

/** Two groups of engine processes. */
export async function startEngines(options: GroupOptions = {}): Promise<Engines> {
  const engine = {
    ...options,
    flags: [...(options.flags ?? R1), "--served-model-name", "deepseek-v3"],
    env: { EMULATOR_TEMPLATE_OPENS_THINK: "1", EMULATOR_DECODE_STEP_MS: "5", ...options.env },
  };
  const starts = await Promise.allSettled([startGroup(engine), startGroup(engine)]);
  const [a = [], b = []] = starts.map((one) => (one.status === "fulfilled" ? one.value : []));
  const stop = async () => void (await Promise.all([...a, ...b].map((server) => server.stop())));
  for (const one of starts)
    if (one.status === "rejected") {
      await stop();
      throw one.reason;
    }
  return { a, b, stop };
}

/** Two groups of engine processes behind a gateway that runs in this process. */
export async function startWorld(options: WorldOptions = {}): Promise<World> {
  const { a, b, stop } = options.engines ?? (await startEngines(options.engine));
  const stopEngines = async () => (options.engines === undefined ? stop() : undefined);
  try {
    const between = options.proxied ?? (async (url: string) => url);
    const urlsOf = options.urlsOf ?? (([leader]) => [leader?.url ?? ""]);
    const urls = { a: await Promise.all(urlsOf(a).map(between)), b: await Promise.all(urlsOf(b).map(between)) };
    const gateway = await serveGateway(
      parseGatewayConfig(configFor(urls, options.agents, options.config)),
      { agentToken: AGENT_TOKEN, adminToken: ADMIN_TOKEN, engineKey: null },
      { subscribe: options.subscribe ?? subscribe, log: logTo(options.onLog) },
    );
    return {
      a,
      b,
      gateway,
      url: gateway.url,
      close: async () => {
        // Engines first: a gateway that drains would wait for what they still write, and a hook that is cut leaves them behind.
        await stopEngines();
        gateway.gateway.traffic.shed("the test is over", 1);
        await gateway.stop();
      },
    };
  } catch (error) {
    await stopEngines();
    throw error;
  }
}

/** The gateway's own log, line by line; without `onLog` it is shown as `TANDEM_TEST_LOG` says. */
export function logTo(onLog?: (line: string) => void): Logger {
  const level = process.env.TANDEM_TEST_LOG ?? "silent";
  return onLog === undefined ? pino({ level }) : pino({}, { write: onLog });
}

export function ask(
  url: string,
  path: string,
  body: unknown,
  headers: Record<string, string> = AUTH,
): Promise<Response> {
  return fetch(url + path, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
}

/** A chat body whose prompt asks the emulated model for these lengths. */
export function chat(prompt: string, answer: number, reasoning: number, more: object = {}) {
  const content = `${prompt} answer=${answer} reasoning=${reasoning}`;
  return {
    message: content,
    body: { model: "deepseek-v3", stream: true, messages: [{ role: "user", content }], ...more },
  };
}
