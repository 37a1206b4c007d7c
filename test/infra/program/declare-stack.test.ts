import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import * as pulumi from "@pulumi/pulumi";
import { afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { loadPlan } from "../../../src/cli/load-plan.ts";
import { declareStack } from "../../../src/infra/program/declare-stack.ts";
import type { StackInputs } from "../../../src/infra/program/stack-inputs.ts";
import { unpackManifest } from "../../../src/infra/wire/manifest-text.ts";
import { existingSpec } from "../../support/existing-spec.ts";
import { temporaryFolders } from "../../support/temporary-folder.ts";

interface Declared {
  type: string;
  name: string;
  inputs: Record<string, unknown>;
}

/** What the engine is told of each resource; the mocks pass on less. */
interface Request {
  getType(): string;
  getName(): string;
  getProtect(): boolean;
}
interface Monitor {
  registerResource(request: Request, ...more: unknown[]): unknown;
}

const PREPARED = {
  kubernetes: { version: "v1.36.3", path: "/k", sha256: "00" },
  images: [
    { references: ["registry.k8s.io/etcd:1"], path: "/e", sha256: "01", on: ["control-plane" as const] },
    {
      references: ["registry.k8s.io/pause:1"],
      path: "/p",
      sha256: "02",
      on: ["control-plane" as const, "gpu" as const],
    },
  ],
  machineImage: "tandem-machine:x",
  authorizedKey: "ssh-ed25519 K",
};

/** What a server waits for before it is prepared. */
let holdServer: (name: string) => Promise<unknown> = async () => {};
let declared: Declared[];
/** Type and name of what a `pulumi destroy` refuses to delete. */
let guarded: string[];
let local: Declared[];
beforeAll(async () => {
  declared = [];
  await declare("local");
  local = declared;
});
beforeEach(() => {
  declared = [...local];
});
const temporary = temporaryFolders();
afterEach(() => pulumi.runtime.resetOptions("", "", -1, "", "", false, ""));

async function declare(stack: string, inputs: Partial<StackInputs> = {}, preview = false): Promise<void> {
  await pulumi.runtime.setMocks(
    {
      newResource: async ({ type, name, inputs: given }) => {
        if (type === "tandem:index:PreparedServer") await holdServer(name);
        declared.push({ type, name, inputs: given });
        // In a preview nothing that a resource computes is known.
        const outputs = preview
          ? {}
          : { kubeconfig: "kube", caHash: "sha256:x", machineId: "m", hostKey: "ssh-ed25519 A" };
        return { id: preview ? undefined : name, state: { ...given, ...outputs } } as pulumi.runtime.MockResourceResult;
      },
      call: () => ({}),
    },
    "tandem",
    stack,
    preview,
  );
  guarded = [];
  const monitor = pulumi.runtime.getMonitor() as unknown as Monitor;
  const register = monitor.registerResource.bind(monitor);
  monitor.registerResource = (request, ...more) => {
    if (request.getProtect()) guarded.push(`${request.getType().split(":").at(-1)} ${request.getName()}`);
    return register(request, ...more);
  };
  const file = join("stacks", `${stack}.yaml`);
  const { plan } = loadPlan(file, { allowPlaceholder: true });
  const secrets = {
    "api-key": "sk-planted",
    "agent-token": "agent-planted",
    "admin-token": "admin-planted",
    "dashboard-key": "dash-planted",
    "dashboard-view-key": "look-planted",
  };
  declareStack({ plan, file, prepared: PREPARED, secrets, bmcs: {}, isThere: false, more: [], ...inputs });
  await pulumi.runtime.disconnect();
}

/** The example as a stack on a cluster of somebody else, whose kubeconfig is there. */
function existing(): { plan: StackInputs["plan"]; file: string } {
  const file = existingSpec(temporary());
  writeFileSync(join(dirname(file), "kubeconfig"), "kube");
  return { plan: loadPlan(file).plan, file };
}

const of = (type: string) => declared.filter((resource) => resource.type === type);
const inputsOf = (type: string, matches: (name: string) => boolean): Record<string, unknown> => {
  const found = of(type).find(({ name }) => matches(name));
  if (found === undefined) throw new Error(`no such ${type}`);
  return found.inputs;
};
const namesOf = (type: string) =>
  of(type)
    .map(({ name }) => name)
    .sort();

test("a local stack: a machine under each server, each group on its own nodes", () => {
  const servers = ["cp-1", "gpu-a", "gpu-b", "gpu-c", "gpu-d"];
  expect(namesOf("tandem:index:LocalMachine")).toEqual(servers);
  expect(namesOf("tandem:index:PreparedServer")).toEqual(servers);
  expect(namesOf("tandem:index:ControlPlaneNode")).toEqual(["cp-1"]);
  expect(namesOf("tandem:index:SettledControlPlane")).toEqual(["cp-1"]);
  expect(namesOf("tandem:index:WorkerNode")).toEqual(servers.slice(1));
  expect(of("tandem:index:WorkerNode").find(({ name }) => name === "gpu-c")?.inputs.labels).toEqual({
    "tandem.dev/group": "b",
  });
  expect(namesOf("tandem:infra:ServingGroup")).toEqual(["a", "b"]);
});

test("a server gets what its role needs, and no list of the others", () => {
  const gpu = inputsOf("tandem:index:PreparedServer", (name) => name === "gpu-a");
  const node = gpu.node as { images: { sha256: string }[]; firewall: { admins: string[] } };
  expect(node.images.map(({ sha256 }) => sha256)).toEqual(["02"]);
  expect(node.firewall.admins, "this computer is a neighbour of its machines").toEqual(["10.231.0.1"]);
  expect((gpu.expectation as { peers: string[] }).peers, "one more server must not change this one").toEqual([
    "10.231.0.10",
  ]);
  expect(JSON.stringify(gpu)).not.toContain("10.231.0.12");
});

test("pods that are made anew for an image wait until every server has it; those of a new cluster do not", async () => {
  const images = [
    {
      references: ["tandem.local/tandem:dev"],
      path: "/t",
      sha256: "03",
      on: ["control-plane" as const, "gpu" as const],
    },
  ];
  for (const isThere of [true, false]) {
    declared = [];
    // The last server is prepared when nothing else is left to do, or half a second has passed without any news.
    holdServer = async (name) => {
      if (name !== "gpu-d") return;
      for (let before = -1; declared.length !== before; ) {
        before = declared.length;
        await sleep(500);
      }
    };
    await declare("local", { isThere, prepared: { ...PREPARED, images } });
    holdServer = async () => {};
    const at = (type: string, name: string) => declared.findIndex((one) => one.type === type && one.name === name);
    const server = at("tandem:index:PreparedServer", "gpu-d");
    for (const name of [
      "DaemonSet/tandem-local/agent",
      "DaemonSet/tandem-local/gateway",
      "Deployment/tandem-local/reconciler",
    ])
      expect(at("tandem:index:Manifest", name) > server, name).toBe(isThere);
    expect(at("tandem:index:Manifest", "Namespace/tandem-local")).toBeLessThan(server);
  }
});

test("real servers have no machines of ours", async () => {
  declared = [];
  await declare("example");
  expect(of("tandem:index:LocalMachine")).toEqual([]);
  expect(of("tandem:index:PreparedServer")).toHaveLength(5);
  expect(of("tandem:index:PreparedServer")[0]?.inputs.hostKey).toBeUndefined();
});

test("a protected stack is held by its servers and by what they serve, also on a cluster of others", async () => {
  const each = (type: string) => ["gpu-a", "gpu-b", "gpu-c", "gpu-d"].map((name) => `${type} ${name}`);
  const served = "Manifest ModelService/tandem-example/example";
  await declare("example");
  const prepared = ["PreparedServer cp-1", ...each("PreparedServer")];
  expect(guarded.sort()).toEqual(["ControlPlaneNode cp-1", served, ...prepared, ...each("WorkerNode")]);
  await declare("example", existing());
  expect(guarded.sort()).toEqual([...each("JoinedServer"), served]);
  await declare("local");
  expect(guarded, "its spec says `protect: false`").toEqual([]);
});

test("objects are one text each, and what the reconciler moves is set once", () => {
  const manifests = of("tandem:index:Manifest");
  const definition = manifests.find(({ name }) => name.includes("leaderworkersets."));
  const text = String(definition?.inputs.text);
  expect(text.length, "a long one is packed").toBeLessThan(30_000);
  expect(unpackManifest(text)).toMatchObject({ metadata: { name: "leaderworkersets.leaderworkerset.x-k8s.io" } });
  expect(definition?.inputs.manifest).toBeUndefined();
  const trees = manifests.filter(({ inputs }) => inputs.manifest !== undefined).map(({ name }) => name);
  expect(trees, "a tree costs Pulumi a hundred times as much, and only it can hold secrets").toEqual([
    "Secret/tandem-local/tandem-access",
  ]);
  const active = manifests.find(({ name }) => name === "Service/tandem-local/active");
  expect(active?.inputs).toMatchObject({ initial: ["spec.selector"], fieldManager: "tandem-local" });
  expect(new Set(manifests.map(({ name }) => name)).size, "names are unique").toBe(manifests.length);
  const repeated = manifests.filter(({ inputs }) => inputs.kubeconfig !== undefined);
  expect(repeated, "the kubeconfig is in the state once, and not with each object").toEqual([]);
});

test("groups are the reconciler's: the update declares the ModelService, and waits for what it says", () => {
  const names = of("tandem:index:Manifest").map(({ name }) => name);
  expect(names.filter((name) => name.startsWith("LeaderWorkerSet/"))).toEqual([]);
  const service = inputsOf("tandem:index:Manifest", (name) => name === "ModelService/tandem-local/local");
  expect(service).toMatchObject({ ready: true, fieldManager: "tandem-local" });
  // Two first loads, one after the other, and something besides.
  expect(service.readySeconds).toBeGreaterThan(2 * 2_700);
  const reconciler = inputsOf("tandem:index:Manifest", (name) => name === "Deployment/tandem-local/reconciler");
  expect(reconciler.ready, "a dead server must not hold up an update").toBeUndefined();
});

test("BMC passwords are a Secret of their own, marked as secret", async () => {
  expect(namesOf("tandem:index:Manifest").filter((name) => name.endsWith("/tandem-bmc"))).toEqual([]);
  declared = [];
  await declare("example", { bmcs: { "gpu-a": { user: "root", password: "planted" } } });
  const { manifest } = inputsOf("tandem:index:Manifest", (name) => name === "Secret/tandem-example/tandem-bmc");
  const text = JSON.stringify(manifest);
  expect(text).toMatch(/"gpu-a\.password":.*"gpu-a\.user":/);
  expect(text).toContain(Buffer.from("planted").toString("base64"));
  expect(text, "marked as a secret on the wire").toContain("1b47061264138c4ac30d75fd1eb44270");
  expect(JSON.stringify(declared)).not.toContain("planted");
});

test("LeaderWorkerSet's controller runs on the control plane alone, once", () => {
  const deployment = inputsOf("tandem:index:Manifest", (name) => name.startsWith("Deployment/lws-system/"));
  const { spec } = unpackManifest(String(deployment.text)) as {
    spec: { replicas: number; template: { spec: { nodeSelector: object; containers: { readinessProbe?: object }[] } } };
  };
  expect(spec.replicas).toBe(1);
  const probe = { httpGet: { path: "/readyz", port: 8081 }, initialDelaySeconds: 5, periodSeconds: 1 };
  expect(spec.template.spec.containers.map(({ readinessProbe }) => readinessProbe)).toEqual([probe]);
  expect(spec.template.spec.nodeSelector).toMatchObject({ "node-role.kubernetes.io/control-plane": "" });
});

test("the cluster gets the client's key by its hash alone", () => {
  const secret = of("tandem:index:Manifest").find(({ name }) => name === "Secret/tandem-local/tandem-access");
  const text = JSON.stringify(secret?.inputs.manifest);
  expect(text).toContain(Buffer.from("agent-planted").toString("base64"));
  expect(text, "marked as a secret on the wire").toContain("1b47061264138c4ac30d75fd1eb44270");
  expect(JSON.stringify(declared)).not.toContain("sk-planted");
  expect(JSON.stringify(declared)).not.toContain(Buffer.from("sk-planted").toString("base64"));
});

test("a kubeconfig that is not there is unknown in a preview; an update says which file the spec names", async () => {
  const given = existing();
  rmSync(join(dirname(given.file), "kubeconfig"));
  declared = [];
  await declare("example", given, true);
  expect(namesOf("tandem:index:JoinedServer")).toHaveLength(4);
  const code = "E_KUBECONFIG";
  const fix = `put it there, or name another one as \`provision.kubeconfig\` in ${given.file}`;
  await expect(declare("example", given)).rejects.toMatchObject({ code, why: expect.stringContaining("no such"), fix });
  // One that is there and cannot be read is a mistake in a preview, too.
  mkdirSync(join(dirname(given.file), "kubeconfig"));
  await expect(declare("example", given, true)).rejects.toMatchObject({ code, why: expect.stringContaining("EISDIR") });
});

test("a preview works before anything exists, and an update says what must come first", async () => {
  declared = [];
  await declare("local", { prepared: undefined, secrets: undefined }, true);
  expect(namesOf("tandem:infra:ServingGroup")).toEqual(["a", "b"]);
  expect(namesOf("tandem:index:LocalMachine")).toHaveLength(5);
  await expect(declare("local", { prepared: undefined, secrets: undefined })).rejects.toThrow(
    "run `tandem up stacks/local.yaml`, which makes them",
  );
});
