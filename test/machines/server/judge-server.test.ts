import { expect, test } from "vitest";
import { type Expectation, judgeServer } from "../../../src/machines/server/judge-server.ts";
import type { ServerFacts } from "../../../src/machines/server/server-facts.ts";

const GIB = 1024 ** 3;
const WEIGHTS = "/models";
const gpu = (index: number, name = "NVIDIA H100 80GB HBM3") => ({ index, name, driver: "570.1", memoryMiB: 81_559 });
const disk = (path: string, device: string, total = 2_000) => ({
  path,
  freeBytes: (total / 2) * GIB,
  totalBytes: total * GIB,
  device,
});

const FIT: ServerFacts = {
  os: { id: "debian", version: "13", name: "Debian GNU/Linux 13" },
  arch: "x86_64",
  kernel: "6.12.0",
  cpus: 128,
  memoryBytes: 2_000 * GIB,
  init: "systemd",
  container: "none",
  cgroup: 2,
  swaps: [],
  clockAheadMs: 0,
  clockErrorMs: 10,
  clockSynced: true,
  disks: [disk("/var/lib/containerd", "/dev/sda1"), disk(WEIGHTS, "/dev/nvme0n1")],
  portsTaken: [],
  gpus: [gpu(0), gpu(1)],
  gpuError: undefined,
  rdma: [],
  missingModules: [],
  ours: false,
  kubernetes: false,
  units: [],
  cniFiles: [],
  addresses: [{ address: "10.0.0.11", interface: "eth0" }],
  peers: [],
  programs: ["apt-get", "nvidia-container-runtime"],
  missingPrograms: [],
};
const WANTED: Expectation = {
  role: "gpu",
  address: "10.0.0.11",
  gpus: 2,
  gpuKind: "H100-80",
  peers: [],
  ports: [],
  interface: "eth0",
  weights: { path: WEIGHTS, bytes: 700 * GIB },
};

test("a fit server has no finding", () => {
  expect(judgeServer(FIT, WANTED)).toEqual([]);
});

interface Row {
  code: string;
  facts?: Partial<ServerFacts>;
  wanted?: Partial<Expectation>;
  says: string;
  /** Of an emulated server it is not asked. */
  real?: true;
}
const controlPlane = { role: "control-plane", gpus: 0 } as const;

const rows: Row[] = [
  { code: "E_SYSTEMD", facts: { init: "runit" }, says: "no systemd: the first process is runit" },
  { code: "W_CGROUP_V1", facts: { cgroup: 1 }, says: "cgroup v1: Kubernetes 1.36 runs on it only", real: true },
  { code: "E_SMALL", facts: { cpus: 1 }, wanted: controlPlane, says: "1 CPUs and 2000.0 GiB, need 2 CPUs and 1.7 GiB" },
  { code: "E_SMALL", facts: { memoryBytes: GIB }, wanted: controlPlane, says: "128 CPUs and 1.0 GiB, need 2 CPUs" },
  { code: "E_MODULE", facts: { missingModules: ["overlay"] }, says: "kernel module overlay is missing: kernel 6.12.0" },
  {
    code: "E_OTHER_CNI",
    facts: { cniFiles: ["/etc/cni/net.d/10-tandem.conflist", "/etc/cni/net.d/05-cilium.conflist"] },
    says: "another pod network is set up: /etc/cni/net.d/05-cilium.conflist",
  },
  {
    code: "E_GPU_KIND",
    facts: { gpus: [gpu(0), gpu(1, "NVIDIA A100-SXM4-80GB")] },
    says: "GPU 1 is a NVIDIA A100-SXM4-80GB: the spec says H100-80",
  },
  {
    code: "E_GPU_KIND",
    facts: { gpus: [gpu(0, "NVIDIA H20"), gpu(1, "NVIDIA H200")] },
    wanted: { gpuKind: "H20-96" },
    says: "GPU 1 is a NVIDIA H200: the spec says H20-96",
  },
  { code: "E_GPU_RUNTIME", facts: { programs: ["apt-get"] }, says: "nvidia-container-runtime is not", real: true },
  { code: "E_INTERFACE", wanted: { interface: "bond0" }, says: "10.0.0.11 is on eth0: the spec says bond0" },
  {
    code: "E_WEIGHTS_SPACE",
    facts: { disks: [disk(WEIGHTS, "/dev/nvme0n1", 600)] },
    says: "no room for the weights at /models: /dev/nvme0n1 holds 600.0 GiB, the weights take 700.0 GiB",
  },
  {
    code: "W_WEIGHTS_DISK",
    facts: { disks: [disk(WEIGHTS, "/dev/sdb1")] },
    says: "/models is not on NVMe: it is on /dev/sdb1; a group loads 700.0 GiB from it",
    real: true,
  },
];

test.each(rows)("$code: $says", ({ code, facts, wanted, says, real }) => {
  const findings = judgeServer({ ...FIT, ...facts }, { ...WANTED, ...wanted });
  expect(findings.map((finding) => finding.code)).toEqual([code]);
  const [{ severity, what, why, fix } = expect.unreachable()] = findings;
  expect(severity).toBe(code.startsWith("W") ? "warning" : "error");
  expect(`${what}: ${why}`).toContain(says);
  expect(fix.length).toBeGreaterThan(10);
  const emulated = judgeServer({ ...FIT, ...facts }, { ...WANTED, ...wanted, local: true });
  expect(emulated.map((finding) => finding.code)).toEqual(real ? [] : [code]);
});

test.each<[name: string, facts: Partial<ServerFacts>, wanted: Partial<Expectation>]>([
  ["the size of a control plane, of a GPU server", { cpus: 1 }, {}],
  ["GPUs and their runtime, of a server that needs none", { gpus: [], programs: ["apt-get"] }, { gpus: 0 }],
  ["a kind of GPU that the spec leaves open", { gpus: [gpu(0, "NVIDIA X"), gpu(1, "NVIDIA X")] }, { gpuKind: "" }],
])("is not asked: %s", (_name, facts, wanted) => {
  expect(judgeServer({ ...FIT, ...facts }, { ...WANTED, ...wanted })).toEqual([]);
});
