import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { TakeoverStatus } from "../../src/manifests/model-service/resource.ts";
import { ReadinessWorld } from "./readiness-world.ts";

/** `TANDEM_READINESS_LOAD_SECONDS=1800 TANDEM_READINESS_SCHEDULE=production` for the half hour of the field. */
const LOAD_MS = Number(process.env.TANDEM_READINESS_LOAD_SECONDS ?? 12) * 1_000;
const isProduction = process.env.TANDEM_READINESS_SCHEDULE === "production";

const isReady = ({ ready }: TakeoverStatus) => ready;
const provenAt = ({ rungs }: TakeoverStatus, name: string) => rungs.find((rung) => rung.name === name)?.provenAt ?? "";

describe("a healthy standby", () => {
  let world: ReadinessWorld;
  beforeAll(async () => {
    world = await (isProduction ? ReadinessWorld.start({}) : ReadinessWorld.start());
    await world.until(isReady, 60_000);
  });
  afterAll(async () => {
    await world?.close();
    expect(world?.errors ?? []).toEqual([]);
  });

  test("every rung is proved, with what was seen", () => {
    const { rungs, reasons } = world.prober.latest();
    expect(reasons).toEqual([]);
    expect(rungs.map(({ name }) => name)).toEqual([
      ...["servers", "gpus", "links", "pods", "image", "flags", "weights", "kernels", "room", "clocks"],
      ...["keys", "answers", "shapes", "speed"],
    ]);
    for (const { ok, provenAt: at, detail } of rungs) {
      expect(ok).toBe(true);
      expect(Date.parse(at ?? "")).toBeGreaterThan(Date.now() - 60_000);
      expect(detail).not.toBe("");
    }
    expect(world.prober.of("b")).toEqual({ ready: true, reason: "every rung is proved" });
    expect(world.prober.of("a").ready).toBe(false);
  });

  test(
    "stays green while the active group works, and sends it no golden prompt more",
    async () => {
      // In production agents look every 10 s: what they saw before the first start was over turns the answer red once.
      const kernels = () => world.prober.latest().rungs.find(({ name }) => name === "kernels")?.detail ?? "";
      while (!kernels().startsWith("12 + 12 ")) await sleep(250);
      const url = world.world.groups[0]?.url ?? "";
      const before = await requestsOf(url);
      const first = provenAt(world.prober.latest(), "answers");
      const told = world.told.length;
      const stop = new AbortController();
      const load = Promise.all(Array.from({ length: 8 }, () => stream(url, stop.signal)));
      await sleep(LOAD_MS);
      stop.abort();
      const streams = (await load).reduce((sum, count) => sum + count, 0);
      expect(streams).toBeGreaterThan(8);
      expect(world.told.slice(told).filter(({ ready }) => !ready)).toEqual([]);
      expect(provenAt(world.prober.latest(), "answers") > first).toBe(true);
      // A long prompt every ten minutes, to compare with.
      const shapes = isProduction ? 1 + Math.floor(LOAD_MS / 600_000) : 0;
      expect((await requestsOf(url)) - before).toBeLessThanOrEqual(streams + shapes);
    },
    LOAD_MS + 60_000,
  );

  test("roles that change make the other group the one that is proved, without asking the revision's answers anew", async () => {
    world.active = "b";
    await world.until(
      ({ ready, reasons }) => !ready && reasons.some((reason) => reason.startsWith("a") || reason.includes("group a")),
      5_000,
    );
    const status = await world.until(isReady, 60_000);
    expect(status.rungs.find(({ name }) => name === "answers")?.detail).toContain("as group a gives them");
    expect(world.prober.of("a").ready).toBe(true);
    world.active = "a";
    await world.until(({ ready }) => !ready, 5_000);
    await world.until(isReady, 60_000);
  });

  test("what was done to it voids all proofs at once, and they are made anew", async () => {
    const before = provenAt(world.prober.latest(), "shapes");
    world.prober.changed("gpu-c was reset");
    expect(world.told.at(-2)).toMatchObject({ ready: false, reasons: ["group b is proved anew: gpu-c was reset"] });
    const status = await world.until(isReady, 60_000);
    expect(provenAt(status, "shapes") > before).toBe(true);
  });

  test("another pod in its place is proved anew without a word", async () => {
    const pod = world.pods.at(-1);
    Object.assign(pod?.metadata ?? {}, { uid: "another" });
    await world.until(({ ready }) => !ready, 5_000);
    await world.until(isReady, 60_000);
  });

  test("a new agent that has not found the engine yet is no new engine", async () => {
    const shapes = provenAt(world.prober.latest(), "shapes");
    const server = world.standby.servers[0];
    if (server === undefined) throw new Error("no server");
    await world.startAgent(server);
    await world.until(isReady, 60_000);
    await sleep(1_000);
    expect(provenAt(world.prober.latest(), "shapes")).toBe(shapes);
  });
});

/** Requests for tokens that an engine has taken since it started. */
async function requestsOf(url: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return Number(/^sglang:num_requests_total\{[^}]*\} (\d+)/m.exec(text)?.[1]);
}

/** Reads answers until stopped; resolves with how many it began. */
async function stream(url: string, signal: AbortSignal): Promise<number> {
  let begun = 0;
  while (!signal.aborted) {
    begun++;
    try {
      const response = await fetch(`${url}/v1/chat/completions`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({
          stream: true,
          messages: [{ role: "user", content: `load ${Math.random()} answer=60` }],
        }),
        signal,
      });
      for await (const _ of response.body ?? []) if (signal.aborted) break;
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }
  return begun;
}
