import { afterEach, expect, test } from "vitest";
import { kubeClient } from "../../src/kube/client.ts";
import { collection } from "../../src/kube/collection.ts";
import { Lease } from "../../src/kube/lease.ts";
import { MemoryApi } from "./memory-api.ts";

const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

const path = "/apis/coordination.k8s.io/v1/namespaces/home/leases";
const times = { durationMs: 600, renewEveryMs: 100, marginMs: 200 };

async function api(): Promise<MemoryApi> {
  const server = await MemoryApi.start();
  ends.push(() => server.close());
  return server;
}

function candidate(server: MemoryApi, identity: string): Lease {
  const client = kubeClient(server.kubeconfig(identity));
  const quiet = { onChange: () => {}, onProblem: () => {} };
  const lease = new Lease({ client, path, name: "x", namespace: "home", identity, ...times, ...quiet });
  ends.push(async () => {
    server.intercept = async () => false;
    await lease.stop();
    await client.close();
  });
  return lease;
}
const holds = (lease: Lease) => lease.holds(performance.now());

test("one holds it, and the other takes it only after it was not renewed for its whole time", async () => {
  const server = await api();
  const first = candidate(server, "first");
  await expect.poll(() => holds(first)).toBe(true);
  const second = candidate(server, "second");
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  expect([holds(first), holds(second)]).toEqual([true, false]);
  server.dead.add("first");
  await expect.poll(() => holds(second), { timeout: 5_000 }).toBe(true);
  expect(holds(first)).toBe(false);
  expect(second.term).toBe(first.term + 1);
});

test("the holder gives up by itself before anybody else may take it, also when nobody answers it", async () => {
  const server = await api();
  const first = candidate(server, "first");
  await expect.poll(() => holds(first)).toBe(true);
  server.intercept = async (_request, response) => {
    response.destroy();
    return true;
  };
  const { renewedMs } = first;
  expect(first.holds(renewedMs + times.durationMs - times.marginMs - 1)).toBe(true);
  expect(first.holds(renewedMs + times.durationMs - times.marginMs + 1)).toBe(false);
});

test("given back, it has no holder, and the next one takes it without waiting for its time", async () => {
  const server = await api();
  const first = candidate(server, "first");
  await expect.poll(() => holds(first)).toBe(true);
  const holders: unknown[] = [];
  server.answered = async ({ body }) => void holders.push(Object(body).spec.holderIdentity);
  await first.stop();
  expect(holders.at(-1)).toBe("");
  const second = candidate(server, "second");
  await expect.poll(() => holds(second)).toBe(true);
  // Its first look was its last one before it took it.
  expect(holders.slice(holders.lastIndexOf("") + 1)[0]).toBe("second");
});

test("the holder renews with one request, and reads again only after somebody else has written", async () => {
  const server = await api();
  const first = candidate(server, "first");
  await expect.poll(() => holds(first)).toBe(true);
  const asked: string[] = [];
  server.intercept = async ({ method }) => {
    asked.push(method);
    return false;
  };
  await expect.poll(() => asked.length).toBeGreaterThan(3);
  expect(new Set(asked)).toEqual(new Set(["PUT"]));
  // A word of somebody who does not take it.
  server.change(`${path}/x`, { metadata: { labels: { touched: "yes" } } });
  await expect.poll(() => asked.includes("GET")).toBe(true);
  await expect.poll(() => holds(first)).toBe(true);
  const { term } = first;
  server.drop(`${path}/x`);
  await expect.poll(() => asked.includes("POST")).toBe(true);
  expect([holds(first), first.term]).toEqual([true, term]);
});

test("a holder that was overtaken while it stood still does not write over the new one", async () => {
  const server = await api();
  const first = candidate(server, "first");
  await expect.poll(() => holds(first)).toBe(true);
  const spec = server.get(`${path}/x`)?.spec as object;
  server.change(`${path}/x`, { spec: { ...spec, holderIdentity: "second", leaseTransitions: 1 } });
  await expect.poll(() => first.holder).toBe("second");
  expect(holds(first)).toBe(false);
  expect(server.get(`${path}/x`)?.spec).toMatchObject({ holderIdentity: "second", leaseTransitions: 1 });
});

test("a collection lists anew when its watch is too old, and loses nothing", async () => {
  const server = await api();
  const pods = "/api/v1/namespaces/home/pods";
  server.put(`${pods}/a`, { metadata: { labels: { app: "x" } } });
  const client = kubeClient(server.kubeconfig());
  const end = new AbortController();
  ends.push(async () => {
    end.abort();
    await client.close();
  });
  const problems: unknown[] = [];
  const known = collection({
    client,
    path: pods,
    selector: { labelSelector: "app in (x,y)" },
    signal: end.signal,
    onChange: () => {},
    onProblem: (problem) => problems.push(problem),
  });
  const names = () => known.items()?.map(({ metadata }) => metadata.name);
  await expect.poll(names).toEqual(["a"]);
  let refused = false;
  server.intercept = async ({ path: asked, method }, response) => {
    if (refused || method !== "GET" || asked !== pods) return false;
    refused = true;
    response.writeHead(410, { "content-type": "application/json" });
    response.end(JSON.stringify({ kind: "Status", code: 410, reason: "Expired", message: "too old" }));
    return true;
  };
  server.endWatches();
  server.put(`${pods}/b`, { metadata: { labels: { app: "y" } } });
  server.put(`${pods}/c`, { metadata: { labels: { app: "z" } } });
  server.drop(`${pods}/a`);
  await expect.poll(names, { timeout: 5_000 }).toEqual(["b"]);
  expect(problems.map(String).join()).toContain("410");
  server.change(`${pods}/b`, { metadata: { labels: { more: "1" } } });
  await expect.poll(() => known.items()?.[0]?.metadata.labels?.more).toBe("1");
});
