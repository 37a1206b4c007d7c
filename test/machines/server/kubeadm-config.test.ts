import { expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import { type ControlPlaneConfig, ignoredChecks, initConfig } from "../../../src/machines/server/kubeadm-config.ts";
import type { NodeFacts } from "../../../src/machines/server/node-facts.ts";

const config: ControlPlaneConfig = {
  name: "cp-1",
  address: "10.0.0.10",
  role: "control-plane",
  podCidr: "10.244.0.0/16",
  serviceCidr: "10.96.0.0/16",
  kubernetes: { version: "v1.36.3", path: "/nowhere" },
  images: [],
  firewall: { ports: [], admins: [], sshPort: 22 },
  local: false,
  controlPlaneEndpoint: "10.0.0.10:6443",
  certSans: [],
  dns: "node",
};
const facts: NodeFacts = {
  container: "none",
  cgroup: 2,
  sysResource: true,
  cniFolder: "/usr/lib/cni",
  nvidiaRuntime: "",
};
const inContainer: NodeFacts = { ...facts, container: "docker" };

test.each([
  ["a real server has to pass every check", config, facts, ""],
  ["the kernel of a container is its host's", config, inContainer, "SystemVerification"],
  ["so is the swap of an emulated server", { ...config, local: true }, inContainer, "Swap,SystemVerification"],
])("%s", (_what, server, found, ignored) => {
  expect(ignoredChecks(server, found)).toBe(ignored);
});

test("kube-proxy leaves the connection table of a container's host alone, and sets that of a server", () => {
  const proxyOf = (found: NodeFacts) =>
    parseAllDocuments(initConfig(config, found)[0]?.content ?? "")
      .map((document) => document.toJS() as { kind: string; conntrack?: object })
      .find(({ kind }) => kind === "KubeProxyConfiguration");
  expect(proxyOf(facts)).toBeDefined();
  expect(proxyOf(facts)?.conntrack).toBeUndefined();
  expect(proxyOf(inContainer)?.conntrack).toEqual({ maxPerCore: 0 });
});
