import { afterEach, describe, expect, test, vi } from "vitest";
import { workerNode } from "../../../src/infra/resources/worker-node.ts";
import { temporaryFolders } from "../../support/temporary-folder.ts";
import { inputsOf, operationOf, type SshServer, sshServers } from "./ssh-servers.ts";

const folder = temporaryFolders();
afterEach(() => {
  vi.unstubAllEnvs();
});

const LEADER = { name: "cp-1", address: "192.0.2.10" };
const AWAY = 'echo "The connection to the server 192.0.2.10:6443 was refused" >&2; exit 1';
/** As kubectl: a node that is not there is an error unless one says that it may be. */
const NOT_THERE = `case $* in
  *"get node"*--ignore-not-found*) exit 0 ;;
  *"get node"*) echo 'Error from server (NotFound): nodes "gpu-a" not found' >&2; exit 1 ;;
  *"get services"*) echo a ;;
esac`;
/** A Ready node of group `a`, which serves or does not. */
const there = (active: string) => `case $* in
  *"get node"*-o\\ name*) echo node/gpu-a ;;
  *"get node"*tandem*) echo "a True" ;;
  *"get node"*Ready*) echo True ;;
  *"get node"*InternalIP*) echo 192.0.2.11 ;;
  *"get services"*) echo ${active} ;;
esac`;

/** A worker in the state, and its control plane with a `kubectl` that answers so. */
function world(kubectl: string, { cluster = true }: { cluster?: boolean } = {}) {
  const leader = sshServers(folder(), [LEADER.address])[LEADER.address] as SshServer;
  leader.program("kubectl", `echo "kubectl $*" >> "$SSH_SERVERS/${LEADER.address}/calls"\n${kubectl}`);
  leader.program("nft", "");
  if (cluster) leader.write("/etc/kubernetes/admin.conf", "kubeconfig");
  const inputs = inputsOf("gpu-a", "192.0.2.11", "gpu").worker("prod", LEADER, "sha256:1");
  const changes = () => leader.calls().filter((call) => /cordon|drain|delete/.test(call));
  return { existing: { id: "gpu-a", inputs, outputs: {} }, operation: operationOf("prod"), changes };
}

describe("an API server that does not answer says nothing of a node", () => {
  test("which is then not removed", async () => {
    const { existing, operation, changes } = world(AWAY);
    await expect(workerNode.remove(existing, operation)).rejects.toMatchObject({
      code: "E_REMOTE",
      why: expect.stringContaining("192.0.2.10:6443 was refused"),
    });
    expect(changes()).toEqual([]);
  });

  test("not even when it is away after the first answer", async () => {
    const { existing, operation, changes } = world(
      `[ "$(wc -l < "$SSH_SERVERS/${LEADER.address}/calls")" -gt 2 ] || { ${NOT_THERE}; exit 0; }\n${AWAY}`,
    );
    await expect(workerNode.remove(existing, operation)).rejects.toMatchObject({ code: "E_REMOTE" });
    expect(changes()).toEqual([]);
  });

  test("which stays in the state, with a warning", async () => {
    const { existing, operation } = world(AWAY);
    expect(await workerNode.read(existing, operation)).toMatchObject({ inputs: existing.inputs });
    expect(operation.warnings.join()).toMatch(/look for node gpu-a failed.*refused.*state of gpu-a is kept/s);
  });
});

describe.each([
  ["the API server says so", true],
  ["its control plane is a bare server by now", false],
])("a node is gone where %s", (_name, cluster) => {
  test("and its removal is done", async () => {
    const { existing, operation, changes } = world(NOT_THERE, { cluster });
    await workerNode.remove(existing, operation);
    expect(changes()).toEqual([]);
  });

  test("and it leaves the state", async () => {
    const { existing, operation } = world(NOT_THERE, { cluster });
    expect(await workerNode.read(existing, operation)).toBeNull();
    expect(operation.warnings).toEqual([]);
  });
});

test("a node of the group that serves stays, and the error names the way out", async () => {
  const { existing, operation, changes } = world(there("a"));
  await expect(workerNode.remove(existing, operation)).rejects.toMatchObject({
    code: "E_ACTIVE_SERVER",
    fix: expect.stringMatching(
      /`tandem server remove gpu-a --stack prod`.*`tandem server drain gpu-a --stack prod`, then `tandem up`/s,
    ),
  });
  expect(changes()).toEqual([]);
});

test("a node of the other group is drained and deleted", async () => {
  const { existing, operation, changes } = world(there("b"));
  await workerNode.remove(existing, operation);
  expect(changes().map((call) => call.split(" ")[1])).toEqual(["cordon", "drain", "delete", "delete"]);
});
