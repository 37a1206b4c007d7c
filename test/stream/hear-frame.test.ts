import { afterEach, expect, test } from "vitest";
import type { Evidence } from "../../src/health/evidence.ts";
import { hearConnection } from "../../src/health/hear.ts";
import { type ServerEvidence, unheard } from "../../src/health/server-evidence.ts";
import { type ServerVerdict, serverVerdict } from "../../src/health/server-verdict.ts";
import { EvidenceLog } from "../../src/stream/evidence-log.ts";
import { hearFrame } from "../../src/stream/hear-frame.ts";
import { EvidenceServer } from "../../src/stream/server.ts";
import { subscribe } from "../../src/stream/subscribe.ts";

const TOKEN = "a-token-of-twenty-characters";
const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** An agent's stream; its clock began at another time than ours, as that of another machine does. */
async function serve() {
  const clock = { monoMs: () => performance.now() + 7_000_000, wallMs: () => Date.now() };
  const log = new EvidenceLog({ agent: "agent-1" });
  const server = new EvidenceServer({
    server: "gpu-a",
    bootId: "boot-1",
    clock,
    heartbeatMs: 20,
    tokens: () => [TOKEN],
    log,
  });
  closing.push(() => server.close());
  const { port } = await server.listen("127.0.0.1", 0);
  const say = (evidence: Evidence) =>
    server.publish(log.append(evidence, { monoMs: clock.monoMs(), wallMs: clock.wallMs() }));
  return { clock, say, url: `http://127.0.0.1:${port}` };
}

/** An observer that listens until its verdict is the wanted one. */
function observe(url: string) {
  let known: ServerEvidence = unheard("gpu-a");
  let wanted: ((verdict: ServerVerdict) => void) | undefined;
  const look = () => wanted?.(serverVerdict(known, performance.now()));
  const subscription = subscribe({
    server: "gpu-a",
    url,
    token: TOKEN,
    onFrame: (frame, atMs) => {
      known = hearFrame(known, frame, atMs);
      look();
    },
    onConnection: (state, reason, atMs) => {
      known = hearConnection(known, state, reason, atMs);
      look();
    },
  });
  closing.push(() => subscription.close());
  return (state: ServerVerdict["state"]) =>
    new Promise<ServerVerdict>((resolve) => {
      wanted = (verdict) => verdict.state === state && resolve(verdict);
      look();
    });
}

const lostGpu = (uptimeMs: number): Evidence => ({
  kind: "kernel-log",
  line: { kind: "xid", code: 79, pci: "0000:0b:00", text: "", sequence: 1, uptimeUs: uptimeMs * 1_000 },
});

test("a kernel line becomes a verdict, for a latecomer with the same first bad moment", async () => {
  const { clock, say, url } = await serve();
  const early = observe(url);
  expect(await early("healthy")).toMatchObject({ heard: true });
  say(lostGpu(clock.monoMs()));
  const first = await early("suspect");
  expect(first).toMatchObject({ remedy: "failover-reboot", findings: [{ code: "xid-79" }] });

  // Beats pass, so that a latecomer who dated by arrival would be far off.
  let beats = 0;
  const waiting = subscribe({
    server: "gpu-a",
    url,
    token: TOKEN,
    onFrame: () => void beats++,
    onConnection: () => {},
  });
  closing.push(() => waiting.close());
  await expect.poll(() => beats, { interval: 10, timeout: 15_000 }).toBeGreaterThan(50);
  const late = await observe(url)("suspect");
  expect(Math.abs((late.sinceMs ?? 0) - (first.sinceMs ?? 0))).toBeLessThan(500);
});

test("a server that closes its stream is blind, not suspect", async () => {
  const { url } = await serve();
  const seen = observe(url);
  await seen("healthy");
  await closing.shift()?.();
  expect(await seen("blind")).toMatchObject({ remedy: null });
});
