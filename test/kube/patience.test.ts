import type { ServerResponse } from "node:http";
import { afterEach, expect, test } from "vitest";
import { kubeClient } from "../../src/kube/client.ts";
import { collection } from "../../src/kube/collection.ts";
import { KubeError } from "../../src/kube/errors.ts";
import { Lease } from "../../src/kube/lease.ts";
import { fakeApi, refusal, type Seen, send } from "./fake-api.ts";

const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

/** @param answers in their order; the last one again and again */
async function api(...answers: ((response: ServerResponse, seen: Seen) => void)[]) {
  const seenAtMs: number[] = [];
  const server = await fakeApi((seen, response) => {
    seenAtMs.push(performance.now());
    answers[Math.min(seenAtMs.length, answers.length) - 1]?.(response, seen);
  });
  const client = kubeClient(server.kubeconfig);
  ends.push(client.close, server.close);
  return { ...server, client, seenAtMs };
}

/** The words of an API server that has just started. */
const filling = (response: ServerResponse, retryAfter?: string) => {
  if (retryAfter !== undefined) response.setHeader("retry-after", retryAfter);
  send(response, 429, refusal(429, "TooManyRequests", "storage is (re)initializing"));
};
const away = (response: ServerResponse) => send(response, 503, refusal(503, "ServiceUnavailable", "not yet"));
const well = (response: ServerResponse) => send(response, 200, { items: [] });
const list = { method: "GET", path: "/api/v1/pods" } as const;

/** What a call threw, and after how long. */
async function failure(call: Promise<unknown>) {
  const startMs = performance.now();
  const error = await call.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  return { error, ms: performance.now() - startMs };
}

test("a read that is told to come again does so when it was told", async () => {
  const { client, seenAtMs } = await api((response) => filling(response, "1"), well);
  expect(await client.json(list)).toEqual({ items: [] });
  expect(seenAtMs).toHaveLength(2);
  const [first = 0, second = 0] = seenAtMs;
  // A timer may be early by a part of a millisecond.
  expect(second - first).toBeGreaterThan(998);
});

test("where no time is named it comes again soon, and later each time", async () => {
  const { client, seenAtMs } = await api(away, away, away, well);
  await client.json(list);
  const pauses = seenAtMs.slice(1).map((atMs, index) => atMs - (seenAtMs[index] ?? 0));
  expect(pauses).toHaveLength(3);
  for (const [index, atLeastMs] of [98, 198, 398].entries()) expect(pauses[index]).toBeGreaterThan(atLeastMs);
});

test("so does a watch", async () => {
  const { client, seenAtMs } = await api(away, (response) => response.end('{"type":"BOOKMARK"}\n'));
  let text = "";
  for await (const piece of await client.stream({ ...list, query: { watch: "1" } })) text += piece;
  expect(text).toBe('{"type":"BOOKMARK"}\n');
  expect(seenAtMs).toHaveLength(2);
});

test.each(["POST", "PUT", "PATCH", "DELETE"] as const)("a %s is sent once", async (method) => {
  const { client, seenAtMs } = await api((response) => filling(response, "0"), well);
  const { error } = await failure(client.json({ method, path: "/api/v1/pods/x", body: {} }));
  expect(error).toMatchObject({ status: 429, retryAfterMs: 0 });
  expect(seenAtMs).toHaveLength(1);
});

test.each([400, 403, 404, 409, 410, 500])("a read that is answered %i is not tried again", async (status) => {
  const { client, seenAtMs } = await api((response) => {
    response.setHeader("retry-after", "0");
    send(response, status, refusal(status, "No", "no"));
  }, well);
  expect((await failure(client.json(list))).error).toMatchObject({ status });
  expect(seenAtMs).toHaveLength(1);
});

test("all tries together take no longer than the caller waits, and the server's words are what is thrown", async () => {
  const { client, seenAtMs } = await api(away);
  const { error, ms } = await failure(client.json({ ...list, timeoutMs: 800 }));
  expect(error).toBeInstanceOf(KubeError);
  expect((error as Error).message).toBe("GET /api/v1/pods: 503 not yet");
  expect(seenAtMs.length).toBeGreaterThan(1);
  // Pauses of 100, 200 and 400 ms are in it, one of 800 is not.
  expect(ms).toBeLessThan(1_400);
});

test.each([
  ["its own time-out", "2", 1_000],
  ["ten seconds, however long it would wait for an answer", "11", 60_000],
])("a pause beyond %s is not begun", async (_name, retryAfter, timeoutMs) => {
  const { client, seenAtMs } = await api((response) => filling(response, retryAfter), well);
  const { error, ms } = await failure(client.json({ ...list, timeoutMs }));
  expect(error).toMatchObject({ status: 429 });
  expect(seenAtMs).toHaveLength(1);
  expect(ms).toBeLessThan(900);
});

test("a later try has only the time that is left: an answer that never comes is not waited for twice", async () => {
  const { client, seenAtMs } = await api(
    (response) => filling(response, "1"),
    () => {},
  );
  const { error, ms } = await failure(client.json({ ...list, timeoutMs: 2_000 }));
  expect(error).toMatchObject({ code: "UND_ERR_HEADERS_TIMEOUT" });
  expect(seenAtMs).toHaveLength(2);
  // undici's clock has ticks of half a second; a whole second time-out would end after 3 s at the earliest.
  expect(ms).toBeLessThan(2_900);
});

test("the signal ends a pause at once, with its own reason", async () => {
  const end = new AbortController();
  const { client, seenAtMs } = await api((response) => {
    filling(response, "9");
    response.once("finish", () => setTimeout(() => end.abort(new Error("enough")), 50));
  }, well);
  const { error, ms } = await failure(client.json({ ...list, signal: end.signal }));
  expect(error).toMatchObject({ message: "enough" });
  expect(seenAtMs).toHaveLength(1);
  expect(ms).toBeLessThan(4_000);
});

test("what a controller reads before it acts keeps its five seconds: it does not wait for ten", async () => {
  const { client, seenAtMs } = await api((response) => filling(response, "5"));
  const end = new AbortController();
  const first = Promise.withResolvers<unknown>();
  const pods = collection({
    ...{ client, path: "/api/v1/pods", selector: {}, signal: end.signal },
    onChange: () => {},
    onProblem: first.resolve,
  });
  expect(await first.promise).toMatchObject({ status: 429 });
  end.abort();
  const { error, ms } = await failure(pods.read());
  expect(error).toBe(end.signal.reason);
  expect(ms).toBeLessThan(900);
  expect(seenAtMs).toHaveLength(1);
});

test("a lease is counted from before its read was told to wait, and its write is sent once for each read", async () => {
  const writes: string[] = [];
  const readsAtMs: number[] = [];
  const holder = { metadata: { name: "x", resourceVersion: "1" }, spec: { holderIdentity: "me", leaseTransitions: 3 } };
  const server = await fakeApi(({ method }, response) => {
    if (method !== "GET") {
      writes.push(method);
      // The first write is refused: what was read for it is old by the time it could be repeated.
      if (writes.length === 1) return filling(response, "0");
      return send(response, 200, holder);
    }
    readsAtMs.push(performance.now());
    // The second turn's read is told to wait twice.
    if (readsAtMs.length === 2 || readsAtMs.length === 3) return away(response);
    send(response, 200, holder);
  });
  const client = kubeClient(server.kubeconfig);
  const times = { durationMs: 10_000, renewEveryMs: 400, marginMs: 100 };
  const took = Promise.withResolvers<void>();
  const lease = new Lease({
    ...{ client, path: "/apis/leases", name: "x", namespace: "home", identity: "me" },
    ...times,
    onChange: () => took.resolve(),
    onProblem: () => {},
  });
  ends.push(() => lease.stop(), client.close, server.close);
  await took.promise;
  expect(readsAtMs).toHaveLength(4);
  expect(writes).toEqual(["PUT", "PUT"]);
  const [, firstTry = 0] = readsAtMs;
  expect(lease.renewedMs).toBeLessThanOrEqual(firstTry);
});
