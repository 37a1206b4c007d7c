import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Child } from "../../src/drill/world/child.ts";
import { script } from "../../src/machines/server/script.ts";
import { certificateForLoopback } from "../support/certificate.ts";
import { FakeEngine } from "./fake-engine.ts";
import { ADMIN_TOKEN, AGENT_TOKEN, AUTH, chat, configFor } from "./gateway-fixture.ts";

const MAIN = new URL("../../src/gateway/main.ts", import.meta.url).pathname;
const folder = mkdtempSync(join(tmpdir(), "gateway-address-"));
const pair = certificateForLoopback();
const tls = { cert: join(folder, "tls.crt"), key: join(folder, "tls.key") };
let engine: FakeEngine;
let gateway: Child;
let served = { url: "", admin: "" };

/** A replica as a process, over TLS: what the keeper of the address asks is plain HTTP all the same. */
beforeAll(async () => {
  engine = await FakeEngine.start();
  writeFileSync(tls.cert, pair.cert);
  writeFileSync(tls.key, pair.key);
  const listen = { host: "127.0.0.1", port: 0, tls };
  const config = configFor({ a: [engine.url], b: [engine.url] }, {}, { listen });
  writeFileSync(join(folder, "config.json"), JSON.stringify(config));
  gateway = new Child({
    name: "gateway",
    script: MAIN,
    args: [join(folder, "config.json")],
    env: { TANDEM_AGENT_TOKEN: AGENT_TOKEN, TANDEM_ADMIN_TOKEN: ADMIN_TOKEN },
    onLine: (line) => {
      if (line.includes("gateway serves")) served = JSON.parse(line) as typeof served;
    },
  });
  await gateway.printed("gateway serves");
});
afterAll(async () => {
  await gateway.kill();
  engine.close();
  rmSync(folder, { recursive: true });
});

/** What keepalived's script says, and how long it took; keepalived itself waits for a second. */
function alive(): { code: number | null; ms: number } {
  const begun = performance.now();
  const port = new URL(served.admin).port;
  const { status } = spawnSync("bash", ["-s", port], { input: script("gateway-alive") });
  return { code: status, ms: performance.now() - begun };
}

test("the address is held while the replica serves, lost while it hangs, and held again", () => {
  expect(served.url).toMatch(/^https:/);
  expect(alive().code).toBe(0);
  process.kill(gateway.pid, "SIGSTOP");
  const hung = alive();
  process.kill(gateway.pid, "SIGCONT");
  expect(hung.code).toBe(1);
  expect(hung.ms).toBeLessThan(1000);
  expect(alive().code).toBe(0);
});

test("after SIGTERM it is held until the last answer has ended", async () => {
  const body = JSON.stringify(chat("x", 5, 5).body);
  const client = request(`${served.url}/v1/chat/completions`, { method: "POST", headers: AUTH, ca: pair.cert });
  client.end(body);
  const [response] = (await once(client, "response")) as [IncomingMessage];
  let answer = "";
  response.setEncoding("utf8").on("data", (text: string) => (answer += text));
  process.kill(gateway.pid, "SIGTERM");
  await gateway.printed("drains and stops");
  expect(alive().code).toBe(0);
  engine.finish();
  await gateway.exited;
  expect(alive().code).toBe(1);
  expect(answer).toContain("data: [DONE]");
});
