import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, expect, test } from "vitest";
import { longPrompt } from "../../src/failover/readiness/golden-prompts.ts";
import { EngineClient } from "../../src/reconciler/readiness/engine-client.ts";
import { type ServerProcess, startGroup } from "../emulator/server-process.ts";

const servers: ServerProcess[] = [];
afterEach(() => Promise.all(servers.splice(0).map((server) => server.stop())));

/** Of 20,000 tokens, two seconds at the rate below: ten chunks, of which the one that runs cannot be ended. */
const LONG = { text: longPrompt(20_000, "1"), tokens: 1, withPrompt: false, dpRank: null };

test.each<[string, string[], string | null]>([
  ["an engine without keys", [], null],
  ["one with a key", ["--api-key", "k"], "k"],
])("a long prompt that is given up leaves the queue of %s to others at once", async (_name, flags, key) => {
  const [server] = await startGroup({
    nnodes: 1,
    tp: 1,
    flags: ["--chunked-prefill-size", "2000", ...flags],
    env: { EMULATOR_PREFILL_TOKENS_PER_SECOND: "10000" },
  });
  if (server === undefined) throw new Error("no server");
  servers.push(server);
  const client = new EngineClient(server.url, key);
  const giveUp = new AbortController();
  const given = client.generate(LONG, giveUp.signal, 20_000).catch((error: unknown) => error);
  await sleep(300);
  const began = performance.now();
  giveUp.abort(new Error("given up"));
  expect(await given).toMatchObject({ message: "given up" });
  const answer = await client.generate({ ...LONG, text: "short" }, new AbortController().signal, 20_000);
  expect(answer.ids).toHaveLength(1);
  // The engine itself would look for the client after 4 s, and be done with the prompt after 1.7 s.
  expect(performance.now() - began).toBeLessThan(1_000);
  await client.close();
});
