import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { camelCase, conditionOf, silentCondition } from "../../src/agent/reporter/condition.ts";
import { reporterKubeconfig } from "../../src/agent/reporter/in-cluster.ts";
import type { Finding } from "../../src/health/finding.ts";
import { parseKubeconfig } from "../../src/kube/kubeconfig.ts";
import { AgentProcess, Listener, Machine, TOKEN } from "./agent-process.ts";

const MAIN = fileURLToPath(new URL("../../src/agent/reporter/main.ts", import.meta.url));

interface Written {
  method: string;
  path: string;
  type: string | undefined;
  body: Record<string, unknown>;
}

/** As much of an API server as a reporter uses: one Node with its watch, patches of its status, events. */
class FakeApi {
  readonly written: Written[] = [];
  conditions: { type: string; status: string; reason: string; lastTransitionTime?: string }[] = [
    { type: "Ready", status: "True", reason: "KubeletReady" },
  ];
  failing = false;
  #watchers = new Set<ServerResponse>();
  #wake: () => void = () => {};
  readonly #server = createServer(async (request, response) => {
    const url = new URL(request.url ?? "", "http://x");
    const json = (status: number, body: unknown) => {
      response.writeHead(status, { "content-type": "application/json" });
      response.end(JSON.stringify(body));
    };
    let text = "";
    for await (const part of request) text += part;
    if (this.failing) return json(503, { message: "etcd is away" });
    if (url.pathname === "/api/v1")
      return json(200, { resources: [{ name: "nodes", kind: "Node", namespaced: false }] });
    if (request.method !== "GET") {
      this.written.push({
        method: request.method ?? "",
        path: url.pathname,
        type: request.headers["content-type"],
        body: JSON.parse(text),
      });
      this.#wake();
      return json(200, {});
    }
    if (url.searchParams.get("watch") !== "1") return json(200, this.node());
    expect(url.searchParams.get("fieldSelector")).toBe("metadata.name=gpu-a");
    response.writeHead(200, { "content-type": "application/json" });
    response.flushHeaders();
    this.#watchers.add(response);
    response.on("close", () => this.#watchers.delete(response));
  });

  node() {
    return {
      apiVersion: "v1",
      kind: "Node",
      metadata: { name: "gpu-a", resourceVersion: "5" },
      status: { conditions: this.conditions },
    };
  }

  async start(): Promise<string> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  change(conditions: FakeApi["conditions"]): void {
    this.conditions = conditions;
    for (const watcher of this.#watchers)
      watcher.write(`${JSON.stringify({ type: "MODIFIED", object: this.node() })}\n`);
  }

  get watched(): boolean {
    return this.#watchers.size > 0;
  }

  async until(find: (written: Written) => boolean): Promise<Written> {
    const endMs = performance.now() + 15_000;
    for (;;) {
      const hit = this.written.find(find);
      if (hit !== undefined) return hit;
      if (performance.now() > endMs) throw new Error(`never written; only ${JSON.stringify(this.written)}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 200);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

class ReporterProcess {
  readonly child: ChildProcess;
  output = "";

  constructor(machine: Machine, api: string, agent: string) {
    const named = (name: string, more: object) => ({ name, ...more });
    const kubeconfig = {
      "current-context": "x",
      contexts: [named("x", { context: { cluster: "x", user: "x" } })],
      clusters: [named("x", { cluster: { server: api } })],
      users: [named("x", { user: { token: "t" } })],
    };
    writeFileSync(machine.path("kubeconfig"), JSON.stringify(kubeconfig));
    writeFileSync(machine.path("token"), `${TOKEN}\n`);
    this.child = spawn(process.execPath, [MAIN], {
      stdio: ["ignore", "pipe", "pipe"],
      env: {
        PATH: process.env.PATH,
        REPORTER_SERVER: "gpu-a",
        REPORTER_AGENT_URL: agent,
        REPORTER_TOKEN_FILE: machine.path("token"),
        REPORTER_CONDITIONS: machine.path("conditions.json"),
        REPORTER_KUBECONFIG: machine.path("kubeconfig"),
      },
    });
    for (const stream of [this.child.stdout, this.child.stderr])
      stream?.setEncoding("utf8").on("data", (text: string) => {
        this.output += text;
      });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.child.exitCode !== null) return;
    const closed = once(this.child, "close");
    this.child.kill("SIGTERM");
    await closed;
  }
}

const conditionIn = ({ path, body }: Written) =>
  path.endsWith("/status")
    ? (body as { status: { conditions: FakeApi["conditions"] } }).status.conditions[0]
    : undefined;

describe("a reporter", () => {
  test("writes a condition and an event of an XID, and passes on the conditions of others", async () => {
    await using machine = new Machine();
    await using api = new FakeApi();
    await using agent = await new AgentProcess(machine, {
      AGENT_CONDITIONS: machine.path("conditions.json"),
    }).listening();
    using listener = new Listener(agent.url);
    await using _reporter = new ReporterProcess(machine, await api.start(), agent.url);
    const healthy = await api.until((written) => conditionIn(written)?.status === "False");
    expect(healthy).toMatchObject({
      method: "PATCH",
      path: "/api/v1/nodes/gpu-a/status",
      type: "application/strategic-merge-patch+json",
    });
    await listener.heard({ kind: "condition", type: "Ready", status: "True", reason: "KubeletReady" });

    machine.log("NVRM: Xid (PCI:0000:1b:00): 79, GPU has fallen off the bus.");
    const sick = await api.until((written) => conditionIn(written)?.status === "True");
    expect(conditionIn(sick)).toMatchObject({ type: "TandemServerFault", reason: "Xid79" });
    const event = await api.until(({ path }) => path === "/api/v1/namespaces/default/events");
    expect(event.body).toMatchObject({
      reason: "Xid79",
      type: "Warning",
      involvedObject: { kind: "Node", name: "gpu-a" },
      source: { component: "tandem-agent" },
    });

    await listener.until(() => api.watched, "a watch");
    api.change([
      { type: "Ready", status: "True", reason: "KubeletReady" },
      { type: "GpuNvlinkWatch", status: "True", reason: "NvlinkDown" },
      { type: "TandemServerFault", status: "True", reason: "Xid79" },
    ]);
    await listener.heard({ kind: "condition", type: "GpuNvlinkWatch", status: "True", reason: "NvlinkDown" });
    // Our own word comes back to nobody.
    expect(listener.evidence.some(({ evidence }) => JSON.stringify(evidence).includes("TandemServerFault"))).toBe(
      false,
    );
    // Once per finding, not once a second.
    expect(api.written.filter(({ path }) => path.endsWith("/events")).length).toBe(1);
  });

  test("a start of the reporter changes nothing about the server, nor when that last changed", async () => {
    await using machine = new Machine();
    await using api = new FakeApi();
    const lastTransitionTime = "2026-01-01T00:00:00Z";
    api.conditions.push({ type: "TandemServerFault", status: "False", reason: "NoFault", lastTransitionTime });
    await using agent = await new AgentProcess(machine).listening();
    await using _reporter = new ReporterProcess(machine, await api.start(), agent.url);
    const first = await api.until((written) => conditionIn(written) !== undefined);
    expect(conditionIn(first)).toMatchObject({ status: "False", lastTransitionTime });
    machine.log("NVRM: Xid (PCI:0000:1b:00): 79, GPU has fallen off the bus.");
    const sick = await api.until((written) => conditionIn(written)?.status === "True");
    expect(Date.parse(conditionIn(sick)?.lastTransitionTime ?? "")).toBeGreaterThan(Date.now() - 60_000);
  });

  test("an API server that is away disturbs no stream, and hears what holds when it is back", async () => {
    await using machine = new Machine();
    await using api = new FakeApi();
    api.failing = true;
    await using agent = await new AgentProcess(machine).listening();
    using listener = new Listener(agent.url);
    await using reporter = new ReporterProcess(machine, await api.start(), agent.url);
    while (!reporter.output.includes("did not take part")) await once(reporter.child.stdout ?? reporter.child, "data");
    machine.log("NVRM: Xid (PCI:0000:1b:00): 79, GPU has fallen off the bus.");
    await listener.heard({ kind: "kernel-log" }, 2_000);
    api.failing = false;
    const first = await api.until((written) => conditionIn(written) !== undefined);
    expect(conditionIn(first)).toMatchObject({ status: "True", reason: "Xid79" });
    expect(reporter.output.match(/did not take part/g)?.length).toBeLessThan(4);
  });
});

describe("what is written", () => {
  const finding: Finding = {
    code: "xid-79",
    server: "gpu-a",
    subject: "gpu 3 (0000:3b:00)",
    group: null,
    remedy: "failover-reboot",
    moves: "now",
    sinceMs: 0,
    confirmed: true,
    reason: "the GPU fell off the bus",
    rests: [],
  };
  test.each<[string, Finding[], string, string]>([
    ["nothing", [], "False", "NoFault"],
    ["a fault of hardware", [finding], "True", "Xid79"],
    ["the worst first", [finding, { ...finding, code: "gpu-lost" }], "True", "Xid79"],
    ["what is only watched", [{ ...finding, confirmed: false }], "False", "NoFault"],
    ["what moves nothing", [{ ...finding, moves: "never" }], "False", "NoFault"],
    ["a rank's end, which is no fault of the server", [{ ...finding, group: "a" }], "False", "NoFault"],
  ])("%s", (_name, findings, status, reason) => {
    expect(conditionOf(findings)).toMatchObject({ status, reason });
  });

  test("an agent that is not heard for half a minute leaves it unknown", () => {
    expect(silentCondition(0, 29_999)).toBeNull();
    expect(silentCondition(0, 30_000)).toMatchObject({ status: "Unknown", reason: "AgentNotHeard" });
    expect(silentCondition(null, 0)).toMatchObject({ status: "Unknown" });
  });

  test("reasons are words without a hyphen", () => {
    expect(["xid-79", "ib-port-flapping", "sxid-20034"].map(camelCase)).toEqual([
      "Xid79",
      "IbPortFlapping",
      "Sxid20034",
    ]);
  });

  test("a pod's own account is a kubeconfig like any other", async () => {
    await using machine = new Machine();
    writeFileSync(machine.path("ca.crt"), "CA");
    writeFileSync(machine.path("token"), "first\n");
    const env = { KUBERNETES_SERVICE_HOST: "10.96.0.1", KUBERNETES_SERVICE_PORT: "443" };
    const access = parseKubeconfig(reporterKubeconfig(env, machine.folder));
    expect(access).toMatchObject({ server: "https://10.96.0.1:443", ca: "CA", verify: true });
    expect(await access.token?.()).toBe("first");
    writeFileSync(machine.path("token"), "second\n");
    expect(await access.token?.()).toBe("second");
    expect(() => reporterKubeconfig({})).toThrow("REPORTER_KUBECONFIG");
  });
});
