import { afterEach, expect, test, vi } from "vitest";
import { EvidenceLog } from "../../src/stream/evidence-log.ts";
import type { Frame } from "../../src/stream/frames.ts";
import { EvidenceServer } from "../../src/stream/server.ts";
import { subscribe } from "../../src/stream/subscribe.ts";
import { TOKEN } from "../agent/agent-process.ts";

const closing: (() => unknown)[] = [];
afterEach(async () => {
  vi.useRealTimers();
  for (const close of closing.splice(0).reverse()) await close();
});

async function start(wallMs: () => number, heartbeatMs: number) {
  const log = new EvidenceLog({ agent: "agent-1" });
  const clock = { monoMs: () => performance.now(), wallMs };
  const server = new EvidenceServer({ server: "gpu-a", bootId: "b", clock, heartbeatMs, tokens: () => [TOKEN], log });
  closing.push(() => server.close());
  const { port } = await server.listen("127.0.0.1", 0);
  return { server, log, url: `http://127.0.0.1:${port}` };
}

/** Beats by the wall clock that goes on with the timers from `fromMs`, after a start at that moment; `leaps` move the clock. */
async function beatsFrom(
  fromMs: number,
  forMs: number,
  leaps: Readonly<Record<number, number>> = {},
): Promise<number[]> {
  let nowMs = fromMs;
  const { server, log } = await start(() => nowMs, 250);
  await server.close();
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  const beats: number[] = [];
  let elapsedMs = 0;
  // A beat carries the number of the last frame: whoever asks for it beats.
  vi.spyOn(log, "seq", "get").mockImplementation(() => {
    beats.push(elapsedMs);
    return 0;
  });
  await server.listen("127.0.0.1", 0);
  while (elapsedMs < forMs) {
    elapsedMs += 1;
    nowMs += 1 + (leaps[elapsedMs] ?? 0);
    vi.advanceTimersByTime(1);
  }
  vi.useRealTimers();
  return beats;
}

test.each([0, 1, 124, 125, 126, 249])(
  "started %i ms after a moment of beats, an agent beats at them",
  async (phase) => {
    const beats = await beatsFrom(1_000_000 + phase, 2000);
    expect(beats.length).toBeGreaterThanOrEqual(7);
    for (const at of beats) expect((phase + at) % 250).toBe(0);
  },
);

test.each([-60_000, -130, -1, 1, 130, 60_000])(
  "a clock that leaps by %i ms delays no beat by more than half a period",
  async (leap) => {
    const beats = await beatsFrom(1_000_000, 3000, { 1100: leap });
    const between = beats.slice(1).map((at, index) => at - (beats[index] as number));
    expect(Math.max(...between)).toBeLessThanOrEqual(375);
    expect(Math.min(...between)).toBeGreaterThanOrEqual(125);
  },
);

test("who asks for every third beat hears that many, is told their pace, and hears evidence at once", async () => {
  const { server, log, url } = await start(() => Date.now(), 20);
  const heard: Record<string, Frame[]> = { all: [], third: [] };
  const listen = (name: "all" | "third", everyBeats?: number) =>
    subscribe({
      server: "gpu-a",
      url,
      token: TOKEN,
      ...(everyBeats === undefined ? {} : { everyBeats }),
      onFrame: (frame) => heard[name]?.push(frame),
      onConnection: () => {},
    });
  for (const one of [listen("all"), listen("third", 3)]) closing.push(() => one.close());
  const beats = (name: string) => (heard[name] ?? []).filter(({ type }) => type === "beat").length;
  await vi.waitUntil(() => beats("all") > 0 && (heard.third?.length ?? 0) > 0, { interval: 5 });
  const before = { all: beats("all"), third: beats("third") };
  await vi.waitUntil(() => beats("third") >= before.third + 5, { interval: 1 });
  const ratio = (beats("all") - before.all) / (beats("third") - before.third);
  expect(ratio).toBeGreaterThan(2);
  expect(ratio).toBeLessThanOrEqual(3.4);
  expect(heard.third?.[0]).toMatchObject({ type: "hello", heartbeatMs: 60 });
  const now = { monoMs: performance.now(), wallMs: Date.now() };
  server.publish(log.append({ kind: "condition", type: "X", status: "True", reason: "Y" }, now));
  for (const frames of Object.values(heard))
    await vi.waitUntil(() => frames.some(({ type }) => type === "evidence"), { interval: 5 });
});

test.each(["0", "-1", "41", "x"])("every=%s is refused", async (every) => {
  const { url } = await start(() => Date.now(), 20);
  const response = await fetch(`${url}/v1/stream?every=${every}`, { headers: { authorization: `Bearer ${TOKEN}` } });
  expect([response.status, await response.text()]).toEqual([400, "every: want a number of beats from 1 to 40\n"]);
});
