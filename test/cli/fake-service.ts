import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ModelService, ModelServiceStatus } from "../../src/manifests/model-service/resource.ts";
import { fakeApi, refusal, type Seen, send } from "../kube/fake-api.ts";

export const HEALTHY: ModelServiceStatus = {
  active: "a",
  standby: "b",
  epoch: 7,
  redundancy: "2/2 groups",
  groups: [
    {
      id: "a",
      role: "active",
      servers: ["gpu-a", "gpu-b"],
      run: "serving",
      since: "2026-01-01T00:00:00Z",
      verdict: "healthy",
      reason: "nothing is wrong",
      revision: "r1",
    },
    {
      id: "b",
      role: "standby",
      servers: ["gpu-c", "gpu-d"],
      run: "serving",
      since: "2026-01-01T00:00:00Z",
      verdict: "healthy",
      reason: "nothing is wrong",
      revision: "r1",
    },
  ],
  servers: ["gpu-a", "gpu-b", "gpu-c", "gpu-d"].map((name, at) => ({
    name,
    group: at < 2 ? "a" : "b",
    verdict: "healthy",
    reason: "nothing is wrong",
  })),
  decision: { kind: "hold", reason: "all-well", detail: "a serves", since: "2026-01-01T00:00:00Z" },
  moves: [
    { at: "2026-01-01T00:00:00Z", from: "b", to: "a", epoch: 6, why: "switchover", reason: "kim asked for it" },
    { at: "2026-01-02T00:00:00Z", from: "a", to: "b", epoch: 7, why: "adopt", reason: "gpu-b fell off the bus" },
  ],
  takeover: {
    ready: true,
    reasons: [],
    rungs: [{ name: "answers", ok: true, provenAt: "2026-01-01T00:00:00Z", detail: "8 answers as group a gives them" }],
  },
  conditions: [],
};

/** One ModelService behind an HTTP server that treats it as the API server does, and a reconciler that a test scripts. */
export class FakeService {
  readonly folder = mkdtempSync(join(tmpdir(), "tandem-service-"));
  readonly patches: Seen[] = [];
  object: ModelService;
  /** Called after each accepted write of the spec; sets the status as the reconciler would. */
  onSpec: (service: ModelService) => void = () => {};
  /** Called when somebody begins to watch. */
  onWatch: () => void = () => {};
  /** Answers every request with this refusal. */
  forbidden: string | null = null;
  #version = 100;
  #watchers: ServerResponse[] = [];
  #api: Awaited<ReturnType<typeof fakeApi>> | null = null;

  private constructor(status: ModelServiceStatus | undefined) {
    this.object = {
      apiVersion: "tandem.dev/v1alpha1",
      kind: "ModelService",
      metadata: { name: "prod", namespace: "tandem-prod", uid: "u", resourceVersion: "100" },
      spec: {
        model: "deepseek-v3",
        revision: "r1",
        template: {},
        groups: ["a", "b"].map((id, at) => ({
          id,
          size: 2,
          workload: `sglang-${id}`,
          servers: at === 0 ? ["gpu-a", "gpu-b"] : ["gpu-c", "gpu-d"],
        })),
        initialActive: "a",
        servers: Object.fromEntries(
          ["gpu-a", "gpu-b", "gpu-c", "gpu-d"].map((name) => [
            name,
            { address: "10.0.0.1", agent: "http://10.0.0.1", engine: "http://10.0.0.1" },
          ]),
        ),
        gateways: [],
        failover: { mode: "automatic", maxPerHour: 2, startWithinMs: 60_000, longestStepMs: 1_000, xids: {} },
      },
      ...(status === undefined ? {} : { status: structuredClone(status) }),
    };
  }

  static async start(status: ModelServiceStatus | undefined = HEALTHY): Promise<FakeService> {
    const service = new FakeService(status);
    service.#api = await fakeApi((seen, response) => service.#answer(seen, response));
    writeFileSync(service.kubeconfig, service.#api.kubeconfig);
    return service;
  }

  get kubeconfig(): string {
    return join(this.folder, "kubeconfig");
  }

  /** Arguments that lead a command here. */
  get access(): string[] {
    return ["--stack", "prod", "--kubeconfig", this.kubeconfig];
  }

  get spec(): ModelService["spec"] {
    return this.object.spec;
  }

  /** Changes the object as somebody else does, and tells who watches. */
  change(change: (object: ModelService) => void): void {
    const next = structuredClone(this.object);
    change(next);
    next.metadata.resourceVersion = String(++this.#version);
    this.object = next;
    for (const watcher of this.#watchers) watcher.write(`${JSON.stringify({ type: "MODIFIED", object: next })}\n`);
  }

  /** The reconciler's word on the request that stands. */
  handle(outcome: "done" | "refused", detail: string): void {
    this.change(({ spec, status }) => {
      if (status === undefined || spec.request === undefined) throw new Error("there is nothing to answer");
      status.handledRequest = { id: spec.request.id, outcome, detail, at: "2026-01-03T00:00:00Z" };
    });
  }

  async close(): Promise<void> {
    await this.#api?.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  #answer(seen: Seen, response: ServerResponse): unknown {
    const { method, path, query, body } = seen;
    if (this.forbidden !== null) return send(response, 403, refusal(403, "Forbidden", this.forbidden));
    const base = "/apis/tandem.dev/v1alpha1/namespaces/tandem-prod/modelservices";
    if (method === "GET" && path === base && query.get("watch") === "1") {
      response.writeHead(200, { "content-type": "application/json" });
      this.#watchers.push(response);
      if (query.get("resourceVersion") !== this.object.metadata.resourceVersion)
        response.write(`${JSON.stringify({ type: "MODIFIED", object: this.object })}\n`);
      setImmediate(() => this.onWatch());
      return;
    }
    if (path !== `${base}/prod`) return send(response, 404, refusal(404, "NotFound", "not found"));
    if (method === "GET") return send(response, 200, this.object);
    this.patches.push(seen);
    const { metadata, spec } = body as { metadata: { resourceVersion: string }; spec: Record<string, unknown> };
    if (metadata.resourceVersion !== this.object.metadata.resourceVersion)
      return send(response, 409, refusal(409, "Conflict", "the object has been modified"));
    this.change((object) => {
      for (const [key, value] of Object.entries(spec)) {
        if (value === null) delete (object.spec as unknown as Record<string, unknown>)[key];
        else (object.spec as unknown as Record<string, unknown>)[key] = value;
      }
    });
    send(response, 200, this.object);
    setImmediate(() => this.onSpec(this.object));
  }
}
