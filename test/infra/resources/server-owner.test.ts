import { mkdir, readFile } from "node:fs/promises";
import { afterEach, describe, expect, test, vi } from "vitest";
import { stringify } from "yaml";
import type { TandemError } from "../../../src/errors.ts";
import { controlPlaneNode } from "../../../src/infra/resources/control-plane-node.ts";
import { preparedServer } from "../../../src/infra/resources/prepared-server.ts";
import { workerNode } from "../../../src/infra/resources/worker-node.ts";
import { stackFiles } from "../../../src/infra/stack/stack-files.ts";
import { replaceFile } from "../../../src/machines/replace-file.ts";
import { caHashOf } from "../../../src/machines/server/kubeconfig.ts";
import { foreignTo, type Owner } from "../../../src/machines/server/server-owner.ts";
import { certificateForLoopback } from "../../support/certificate.ts";
import { temporaryFolders } from "../../support/temporary-folder.ts";
import { inputsOf, operationOf, type SshServer, sshServers } from "./ssh-servers.ts";

const folder = temporaryFolders();
afterEach(() => {
  vi.unstubAllEnvs();
});

const STACK = "prod";
const LEADER = { name: "cp-1", address: "192.0.2.10" };
const WORKER = { name: "gpu-a", address: "192.0.2.11" };
const ours = certificateForLoopback("ours").cert;
const theirs = certificateForLoopback("theirs").cert;
const kubeconfig = (ca: string) =>
  stringify({
    clusters: [
      {
        cluster: {
          server: "https://192.0.2.10:6443",
          "certificate-authority-data": Buffer.from(ca).toString("base64"),
        },
      },
    ],
  });

function world() {
  const root = folder();
  const servers = sshServers(root, [LEADER.address, WORKER.address]);
  const leader = servers[LEADER.address] as SshServer;
  const worker = servers[WORKER.address] as SshServer;
  const operation = operationOf(STACK);
  const prepared = inputsOf(WORKER.name, WORKER.address, "gpu").prepared;
  const joined = inputsOf(WORKER.name, WORKER.address, "gpu").worker(STACK, LEADER, caHashOf(ours));
  const controlPlane = inputsOf(LEADER.name, LEADER.address, "control-plane").controlPlane(
    stackFiles(STACK).kubeconfig,
  );
  return { root, leader, worker, operation, prepared, joined, controlPlane };
}
type World = ReturnType<typeof world>;

/** Prepared, joined and finished, as a stack leaves its servers. */
function finished(server: SshServer, ca: string, mark?: string): void {
  server.write("/var/lib/tandem/folders", "/var/lib/tandem\n");
  for (const name of ["kubeadm", "joined", "control-plane"]) server.write(`/var/lib/tandem/${name}`, "");
  server.write("/etc/kubernetes/pki/ca.crt", ca);
  server.write("/etc/kubernetes/kubelet.conf", "theirs");
  server.write("/etc/kubernetes/admin.conf", kubeconfig(ca));
  if (mark !== undefined) server.write("/var/lib/tandem/stack", `${mark}\n`);
}

const existing = <Inputs>(inputs: Inputs) => ({ id: "x", inputs, outputs: {} });
const operations: [name: string, run: (w: World) => Promise<unknown>][] = [
  ["create of a prepared server", (w) => preparedServer.create(w.prepared, w.operation)],
  ["update of a prepared server", (w) => preparedServer.update(existing(w.prepared), w.prepared, w.operation)],
  ["remove of a prepared server", (w) => preparedServer.remove(existing(w.prepared), w.operation)],
  ["create of a control plane", (w) => controlPlaneNode.create(w.controlPlane, w.operation)],
  ["update of a control plane", (w) => controlPlaneNode.update(existing(w.controlPlane), w.controlPlane, w.operation)],
  ["create of a node", (w) => workerNode.create(w.joined, w.operation)],
  ["update of a node", (w) => workerNode.update(existing(w.joined), w.joined, w.operation)],
  ["remove of a node", (w) => workerNode.remove(existing(w.joined), w.operation)],
];

describe("a server of another stack is refused and left as it is", () => {
  test.each(operations)("%s", async (_name, run) => {
    const w = world();
    for (const server of [w.leader, w.worker]) finished(server, theirs, "other 0123456789abcdef");
    const error = await run(w).catch((caught) => caught);
    expect(error).toMatchObject({ code: "E_SERVER_TAKEN" });
    expect(String(error)).toMatch(/is a server of another stack.*other 0123456789abcdef.*fix: .*tandem down/s);
    expect([...w.leader.calls(), ...w.worker.calls()]).toEqual([]);
    for (const server of [w.leader, w.worker]) {
      expect(server.read("/var/lib/tandem/stack")).toBe("other 0123456789abcdef\n");
      expect(server.read("/etc/kubernetes/kubelet.conf")).toBe("theirs");
    }
  });

  test.each(operations)("also one that an older version left without a name: %s", async (_name, run) => {
    const w = world();
    for (const server of [w.leader, w.worker]) finished(server, theirs);
    await keepKubeconfig();
    expect(await run(w).catch((caught) => caught)).toMatchObject({ code: "E_SERVER_TAKEN" });
    expect([...w.leader.calls(), ...w.worker.calls()]).toEqual([]);
    expect(w.worker.read("/var/lib/tandem/stack")).toBeUndefined();
  });

  test("also one of the same name, made elsewhere", async () => {
    const w = world();
    finished(w.worker, theirs, `${STACK} 0123456789abcdef`);
    await expect(preparedServer.create(w.prepared, w.operation)).rejects.toMatchObject({ code: "E_SERVER_TAKEN" });
  });
});

test("a server that another stack has by now is none of ours, and our kubeconfig stays", async () => {
  const w = world();
  for (const server of [w.leader, w.worker]) finished(server, theirs, "other 0123456789abcdef");
  await keepKubeconfig();
  expect(await preparedServer.read(existing(w.prepared), w.operation)).toBeNull();
  expect(await controlPlaneNode.read(existing(w.controlPlane), w.operation)).toBeNull();
  // Their node may have the name of ours.
  w.leader.program("kubectl", "echo node/gpu-a");
  expect(await workerNode.read(existing(w.joined), w.operation)).toBeNull();
  expect(await readFile(stackFiles(STACK).kubeconfig, "utf8")).toBe(kubeconfig(ours));
});

describe("what is ours is taken up again", () => {
  // Each run ends at the first change that these servers do not take, as one that was interrupted there.
  const interrupted = async (w: World, operation = w.operation) =>
    preparedServer.update(existing(w.prepared), w.prepared, operation).catch((error) => error as TandemError);

  test("the mark is the first thing on a server, and the run after an interruption finds its own", async () => {
    const w = world();
    for (let run = 0; run < 2; run += 1) {
      expect(await interrupted(w)).toMatchObject({ code: "E_REMOTE" });
      expect(w.worker.read("/var/lib/tandem/stack")).toMatch(/^prod [0-9a-f]{16}\n$/);
      expect(w.worker.read("/var/lib/tandem/folders")).toMatch(/\/var\/lib\/tandem\n$/);
    }
  });

  test("a kubeconfig that cannot be read speaks against no server", async () => {
    const w = world();
    await keepKubeconfig("half a kubecon");
    finished(w.worker, ours);
    expect(await interrupted(w)).toMatchObject({ code: "E_REMOTE" });
  });

  test("of two stacks that come at the same time one gets the server", async () => {
    const w = world();
    const ends = await Promise.all([interrupted(w), interrupted(w, operationOf("test"))]);
    expect(ends.map((error) => (error as TandemError).code).sort()).toEqual(["E_REMOTE", "E_SERVER_TAKEN"]);
  });

  test("a server of an older version gets its mark when its CA is ours", async () => {
    const w = world();
    finished(w.worker, ours);
    await keepKubeconfig();
    expect(await interrupted(w)).toMatchObject({ code: "E_REMOTE" });
    expect(w.worker.read("/var/lib/tandem/stack")).toMatch(/^prod /);
  });
});

test.each<[name: string, traces: Parameters<typeof foreignTo>[1], owner: Partial<Owner>, foreign: boolean]>([
  ["nothing speaks against it", { mark: undefined, caHash: undefined }, {}, false],
  ["its CA is ours", { mark: undefined, caHash: "sha256:1" }, {}, false],
  ["its CA is another's", { mark: undefined, caHash: "sha256:2" }, {}, true],
  [
    "a mark of ours counts more than the CA of a control plane before this one",
    { mark: "a 1", caHash: "sha256:2" },
    {},
    false,
  ],
  ["another's mark counts more than a CA of ours", { mark: "b 1", caHash: "sha256:1" }, {}, true],
  [
    "it is in our state, and our kubeconfig is lost",
    { mark: undefined, caHash: "sha256:1" },
    { caHash: undefined },
    false,
  ],
  [
    "a new server has a cluster, and we have none",
    { mark: undefined, caHash: "sha256:1" },
    { caHash: undefined, known: false },
    true,
  ],
])("%s", (_name, traces, owner, foreign) => {
  const why = foreignTo({ mark: "a 1", caHash: "sha256:1", known: true, ...owner }, traces);
  expect(why !== undefined).toBe(foreign);
});

async function keepKubeconfig(text = kubeconfig(ours)): Promise<void> {
  const { dir, kubeconfig: file } = stackFiles(STACK);
  await mkdir(dir, { recursive: true });
  await replaceFile(file, text);
}
