import { afterAll, beforeAll, expect, test } from "vitest";
import { PrefixCaches } from "../../src/emulator/engine/radix.ts";
import { type ServerProcess, startGroup } from "./server-process.ts";

const CHUNK = 256;
let leader: ServerProcess;
beforeAll(async () => {
  const flags = ["--attn-dp-size", "2", "--chunked-prefill-size", String(CHUNK)];
  const env = { EMULATOR_PREFILL_TOKENS_PER_SECOND: "2000" };
  [leader] = (await startGroup({ nnodes: 1, tp: 2, flags, env })) as [ServerProcess];
});
afterAll(() => leader.stop());

const words = (name: string) => `${name} ${"word ".repeat(600)}`;
const read = (text: string, more: object = {}, signal?: AbortSignal) =>
  fetch(`${leader.url}/generate`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ text, sampling_params: { max_new_tokens: 1 }, ...more }),
    ...(signal === undefined ? {} : { signal }),
  });
async function cachedOf(text: string, rank: number): Promise<number> {
  const response = await read(text, { routed_dp_rank: rank });
  const { meta_info } = (await response.json()) as { meta_info: { cached_tokens: number } };
  return meta_info.cached_tokens;
}

test("each attention-DP rank has a cache of its own", async () => {
  const text = words("ranks");
  expect(await cachedOf(text, 0)).toBe(0);
  expect(await cachedOf(text, 1)).toBe(0);
  expect(await cachedOf(text, 0)).toBeGreaterThan(400);
});

test("there is no rank beyond the last", async () => {
  const response = await read("x", { routed_dp_rank: 2 });
  expect(response.status).toBe(400);
  expect(await response.text()).toContain("routed_dp_rank=2 out of range [0, 2)");
});

test("of a request that is ended early only what was read is cached", async () => {
  const ended = read(words("ended"), { routed_dp_rank: 0, rid: "ended" });
  await expect.poll(running, { interval: 10 }).toBe(1);
  // It takes effect after the first of three chunks, of 128 ms each.
  await leader.post("/abort_request", { rid: "ended" });
  await ended;
  expect(await cachedOf(words("ended"), 0)).toBeLessThanOrEqual(2 * CHUNK);
});

async function running(): Promise<number> {
  const response = await fetch(`${leader.url}/v1/loads?include=core&format=json`);
  const { loads } = (await response.json()) as { loads: { num_running_reqs: number }[] };
  return loads.reduce((sum, { num_running_reqs }) => sum + num_running_reqs, 0);
}

test("what a running request has of the cache takes no room twice", () => {
  const caches = new PrefixCaches({ radixCache: true, maxTotalTokens: 1_000, attnDpSize: 1 });
  const ids = (from: number) => Array.from({ length: 400 }, (_, at) => from + at);
  const running = [0, 1_000].map((from) => {
    caches.of({ dpRank: 0 }).insert(ids(from));
    return { dpRank: 0, tokens: 410, sharedTokens: 400 };
  });
  for (const one of running) caches.makeRoom(one, running);
  expect(caches.of({ dpRank: 0 }).match(ids(0))).toBe(399);
  // Without sharing there are 180 tokens of room beside them.
  for (const one of running) one.sharedTokens = 0;
  for (const one of running) caches.makeRoom(one, running);
  expect(caches.tokens).toBeLessThanOrEqual(180);
});
