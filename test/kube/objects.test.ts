import { afterEach, expect, test } from "vitest";
import { kubeClient } from "../../src/kube/client.ts";
import { KubeError } from "../../src/kube/errors.ts";
import { kubeObjects } from "../../src/kube/objects.ts";
import { isGone, isReady } from "../../src/kube/ready.ts";
import { retrying } from "../../src/kube/retry.ts";
import { waitFor } from "../../src/kube/wait.ts";
import { coreList, fakeApi, refusal, send } from "./fake-api.ts";

const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

async function api(answer: Parameters<typeof fakeApi>[0]) {
  const server = await fakeApi((seen, response) => {
    if (seen.path === "/api/v1") send(response, 200, coreList);
    else answer(seen, response);
  });
  const client = kubeClient(server.kubeconfig);
  ends.push(client.close, server.close);
  return { ...server, client, objects: kubeObjects(client) };
}

const reference = { apiVersion: "v1", kind: "ConfigMap", name: "plan", namespace: "home" };
const live = (version: string, data: object = {}) => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name: "plan", namespace: "home", resourceVersion: version },
  ...data,
});

test("apply is a server-side apply under our name, at the place that discovery names", async () => {
  const { objects, seen } = await api((_seen, response) => send(response, 200, live("2")));
  const manifest = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "plan", namespace: "home" } };
  await objects.apply(manifest, { fieldManager: "tandem-x" });
  await objects.apply(manifest, { fieldManager: "tandem-x", force: true, dryRun: true });
  const [, first, second] = seen;
  expect(first).toMatchObject({ method: "PATCH", path: "/api/v1/namespaces/home/configmaps/plan", body: manifest });
  expect(first?.headers).toMatchObject({
    "content-type": "application/apply-patch+yaml",
    authorization: "Bearer sesame",
  });
  expect(Object.fromEntries(first?.query ?? [])).toEqual({ fieldManager: "tandem-x", force: "false" });
  expect(Object.fromEntries(second?.query ?? [])).toEqual({ fieldManager: "tandem-x", force: "true", dryRun: "All" });
});

test("what is not there, or of a kind that is not served, is null; any other refusal is an error with the server's words", async () => {
  const { objects } = await api((seen, response) =>
    seen.path.endsWith("plan")
      ? send(response, 404, refusal(404, "NotFound", "not found"))
      : send(response, 403, refusal(403, "Forbidden", "you may not")),
  );
  expect(await objects.get(reference)).toBeNull();
  expect(await objects.get({ ...reference, kind: "Gadget" })).toBeNull();
  expect(await objects.remove(reference)).toBe(false);
  const refused = objects.get({ ...reference, name: "other" });
  await expect(refused).rejects.toThrow("GET /api/v1/namespaces/home/configmaps/other: 403 you may not");
  await expect(refused).rejects.toBeInstanceOf(KubeError);
});

test("a namesake made since is protected from a delete", async () => {
  const { objects, seen } = await api((_seen, response) => send(response, 200, {}));
  await objects.remove(reference, "uid-1");
  expect(seen.at(-1)).toMatchObject({
    method: "DELETE",
    body: { propagationPolicy: "Foreground", preconditions: { uid: "uid-1" } },
  });
});

test("waiting reads once, then watches, and says each new reason once", async () => {
  const { client, objects, seen } = await api(({ query }, response) => {
    if (query.get("watch") === null) return send(response, 200, live("5", { data: { step: "one" } }));
    response.writeHead(200);
    const event = (type: string, object: object) => response.write(`${JSON.stringify({ type, object })}\n`);
    event("MODIFIED", live("6", { data: { step: "one" } }));
    event("BOOKMARK", live("7"));
    event("MODIFIED", live("8", { data: { step: "two" } }));
    event("MODIFIED", live("9", { data: { step: "done" } }));
  });
  const reasons: string[] = [];
  const step = (object: object | null) => (object as { data: { step: string } }).data.step;
  const found = await waitFor(
    client,
    objects,
    reference,
    (object) => (step(object) === "done" ? { ok: true } : { ok: false, why: step(object) }),
    { deadlineMs: 5_000, signal: new AbortController().signal, onProgress: (why) => reasons.push(why) },
  );
  expect(found?.metadata.resourceVersion).toBe("9");
  expect(reasons).toEqual(["one", "two"]);
  const watch = seen.find(({ query }) => query.get("watch") === "1");
  expect(watch?.query.get("resourceVersion")).toBe("5");
  expect(watch?.query.get("fieldSelector")).toBe("metadata.name=plan");
});

test("a deadline ends with the last reason and a command to look", async () => {
  const { client, objects } = await api(({ query }, response) => {
    if (query.get("watch") === null) return send(response, 200, live("5"));
    response.writeHead(200);
    response.flushHeaders();
  });
  const waiting = waitFor(client, objects, reference, () => ({ ok: false, why: "0 of 1 ready" }), {
    deadlineMs: 200,
    signal: new AbortController().signal,
  });
  await expect(waiting).rejects.toMatchObject({ code: "E_WAIT", why: "0 of 1 ready" });
  await expect(waiting).rejects.toThrow("kubectl describe configmap plan -n home");
});

test("only failures that pass by themselves are tried again", async () => {
  let calls = 0;
  const { client } = await api((_seen, response) => {
    calls += 1;
    if (calls < 3)
      return send(response, 500, refusal(500, "InternalError", "failed calling webhook: no route to host"));
    send(response, 422, refusal(422, "Invalid", "spec.size: must be 2"));
  });
  const work = () => client.json({ method: "GET", path: "/apis/x" });
  await expect(retrying(work, { deadlineMs: 5_000 })).rejects.toThrow("must be 2");
  expect(calls).toBe(3);
});

const object = (kind: string, spec: object, status: object, generation = 1) => ({
  apiVersion: "x/v1",
  kind,
  metadata: { name: "x", generation },
  spec,
  status,
});
test.each([
  [
    "a Deployment in the middle of a change",
    object("Deployment", { replicas: 2 }, { updatedReplicas: 1, availableReplicas: 2 }),
    false,
  ],
  ["a Deployment", object("Deployment", { replicas: 1 }, { updatedReplicas: 1, availableReplicas: 1 }), true],
  ["an old status", object("LeaderWorkerSet", {}, { observedGeneration: 1, readyReplicas: 1 }, 2), false],
  [
    "a group that serves",
    object("LeaderWorkerSet", { replicas: 1 }, { observedGeneration: 1, readyReplicas: 1 }),
    true,
  ],
  ["a group that was stopped", object("LeaderWorkerSet", { replicas: 0 }, { observedGeneration: 1 }), true],
  ["a DaemonSet nobody looked at", object("DaemonSet", {}, {}), false],
  [
    "a definition",
    object("CustomResourceDefinition", {}, { conditions: [{ type: "Established", status: "True" }] }),
    true,
  ],
  ["a node", object("Node", {}, { conditions: [{ type: "Ready", status: "Unknown", message: "silent" }] }), false],
  ["a kind without a status", object("ConfigMap", {}, {}), true],
])("ready: %s → %#", (_name, candidate, ready) => {
  expect(isReady(candidate).ok).toBe(ready);
  expect(isGone(candidate).ok).toBe(false);
});
test("nothing is not ready, and is gone", () => {
  expect(isReady(null)).toEqual({ ok: false, why: "it does not exist" });
  expect(isGone(null).ok).toBe(true);
});
