import { afterEach, expect, test, vi } from "vitest";
import type { TandemError } from "../../../src/errors.ts";
import { preparedServer } from "../../../src/infra/resources/prepared-server.ts";
import { temporaryFolders } from "../../support/temporary-folder.ts";
import { inputsOf, operationOf, type SshServer, sshServers } from "./ssh-servers.ts";

const folder = temporaryFolders();
afterEach(() => {
  vi.unstubAllEnvs();
});

const ADDRESS = "192.0.2.11";

/** A server on which a run of ours was interrupted after it had written these files. */
function world(...files: string[]) {
  const server = sshServers(folder(), [ADDRESS])[ADDRESS] as SshServer;
  server.write("/var/lib/tandem/folders", "/var/lib/tandem\n");
  server.write("/var/lib/tandem/files", files.map((file) => `${file}\n`).join(""));
  const { prepared } = inputsOf("gpu-a", ADDRESS, "gpu");
  return { server, inputs: { ...prepared, expectation: { ...prepared.expectation, gpus: 99 } } };
}

const failure = (inputs: Parameters<typeof preparedServer.create>[0]) =>
  preparedServer.create(inputs, operationOf("prod")).then(
    () => expect.unreachable("it should have failed"),
    (error) => error as TandemError,
  );

test.each([
  ["that was interrupted", "/var/lib/tandem/folders"],
  ["that is a node already", "/var/lib/tandem/kubeadm"],
])("what keeps a server of ours %s from its task is told all the same", async (_name, trace) => {
  const { server, inputs } = world();
  server.write(trace, "/var/lib/tandem\n");
  const error = await failure(inputs);
  expect(error.code).toBe("E_PREFLIGHT");
  // This computer has neither the address nor so many GPUs.
  expect(error.why).toMatch(/\[E_GPU_COUNT\].*\[E_(ADDRESS|IPROUTE)\]/s);
  expect(server.read("/var/lib/tandem/stack"), "it is not even ours before it is fit").toBeUndefined();
});

// Between two of its restarts the kubelet of a server that has not joined yet counts as active.
test.each([
  ["the kubelet of an interrupted run", ["/etc/systemd/system/kubelet.service"], false],
  ["a kubelet that somebody else installed", [], true],
])("is it another cluster: %s", async (_name, files, another) => {
  const { server, inputs } = world(...files);
  server.program("systemctl", '[ "$*" = "is-active -q kubelet" ]');
  const { why } = await failure(inputs);
  expect(why.includes("[E_OTHER_CLUSTER]")).toBe(another);
});
