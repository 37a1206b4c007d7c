import { createServer, type Server } from "node:http";
import { pino } from "pino";
import { afterEach, beforeEach, expect, test } from "vitest";
import { parseGatewayConfig } from "../../src/gateway/config.ts";
import { type RunningGateway, serveGateway } from "../../src/gateway/serve.ts";
import { subscribe } from "../../src/stream/subscribe.ts";
import { freePort } from "../support/free-port.ts";
import { startAgents } from "./fake-agents.ts";
import { ADMIN_TOKEN, AGENT_TOKEN, AUTH, ask, configFor } from "./gateway-fixture.ts";

let fleet: Awaited<ReturnType<typeof startAgents>>;
let gateway: RunningGateway;
let engines: Record<"a" | "b", Server>;
let ports: Record<"a" | "b", number>;

/** An engine that writes its group's name. It binds when it is loaded, as SGLang does. */
function engine(id: string): Server {
  const text = `{"id":"x","object":"text_completion","created":1,"model":"deepseek-v3","choices":[{"index":0,"text":"${id}","logprobs":null,"finish_reason":null,"matched_stop":null}],"usage":null}`;
  return createServer((request, response) => {
    request.resume().on("end", () => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.end(
        `data: ${text}\n\ndata: ${text.replace('"finish_reason":null', '"finish_reason":"length"').replace(`"${id}"`, '""')}\n\ndata: [DONE]\n\n`,
      );
    });
  });
}

async function start(holdDeadlineMs: number): Promise<void> {
  const urls = { a: [`http://127.0.0.1:${ports.a}`], b: [`http://127.0.0.1:${ports.b}`] };
  gateway = await serveGateway(
    parseGatewayConfig(configFor(urls, fleet.urls, { holdDeadlineMs, limits: { drainMs: 100 } })),
    { agentToken: AGENT_TOKEN, adminToken: ADMIN_TOKEN, engineKey: null },
    { subscribe, log: pino({ level: "silent" }) },
  );
}

const loaded = (id: "a" | "b") => engines[id].listen(ports[id], "127.0.0.1");
const status = () => gateway.gateway.status;
const until = async (holds: () => boolean) => {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5));
};
const answer = async () => {
  const response = await ask(gateway.url, "/v1/completions", { prompt: "who", max_tokens: 1 }, AUTH);
  return response.status === 200
    ? ((await response.json()) as { choices: { text: string }[] }).choices[0]?.text
    : response.status;
};

beforeEach(async () => {
  fleet = await startAgents();
  engines = { a: engine("a"), b: engine("b") };
  ports = { a: await freePort(), b: await freePort() };
  const starting = {
    kind: "engine",
    instance: "1:1",
    state: "starting",
    tokensTotal: 0,
    running: 0,
    queued: 0,
  } as const;
  fleet.agents["gpu-a"]?.say({ ...starting, group: "a" });
  fleet.agents["gpu-c"]?.say({ ...starting, group: "b" });
});
afterEach(async () => {
  await gateway.stop();
  for (const one of Object.values(engines)) one.close();
  await fleet.stop();
});

test("the standby is ready first: a request waits for the group that was named active", async () => {
  await start(20_000);
  await until(() => status().choice === "hold");
  loaded("b");
  await until(() => status().reason.startsWith("group a is named active and is at its first load"));
  const waiting = answer();
  await until(() => status().waiting.fresh === 1);
  loaded("a");
  expect(await waiting).toBe("a");
  expect(status()).toMatchObject({ active: "a", lastFailover: null });
});

test("but not for longer than for any group", async () => {
  await start(600);
  await until(() => status().choice === "hold");
  loaded("b");
  await until(() => status().reason.startsWith("group a is named active and is at its first load"));
  expect(await answer()).toBe("b");
  loaded("a");
  await until(() => status().groups.a?.state === "clear");
  expect(await answer()).toBe("b");
});

test("an engine that has ended before is not at its first load", async () => {
  fleet.agents["gpu-b"]?.say({ kind: "rank", group: "a", rank: 9, pid: 4, state: "exited" }, 90_000);
  loaded("b");
  await start(20_000);
  expect(await answer()).toBe("b");
});
