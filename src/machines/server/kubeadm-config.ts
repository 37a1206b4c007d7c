import { stringify } from "yaml";
import { cgroupDriver } from "./containerd-config.ts";
import type { NodeFile } from "./files-step.ts";
import type { NodeConfig } from "./node-config.ts";
import type { NodeFacts } from "./node-facts.ts";

export interface ControlPlaneConfig extends NodeConfig {
  /** `host:port` of the API server for everybody. Set from the first day, so that a second control plane can join one day. */
  controlPlaneEndpoint: string;
  certSans: readonly string[];
  /** Where CoreDNS sends names of the outside: the server's own resolver, none at all (a sealed cluster), or addresses. */
  dns: "node" | "none" | readonly string[];
  /** Seconds in which the API server must answer for the first time; default {@link API_SERVER_SECONDS}. */
  apiServerSeconds?: number;
}

/**
 * kubeadm's own minute covers the start of the kubelet, etcd and the API server together, which an API server whose etcd
 * came late does not make: it gives up after 20 s and is started again 10 s, 20 s, 40 s later.
 */
const API_SERVER_SECONDS = 180;

export interface Taint {
  key: string;
  value?: string;
  effect: "NoSchedule" | "PreferNoSchedule" | "NoExecute";
}

const API = "kubeadm.k8s.io/v1beta4";
export const CLUSTER_CONFIG = "/etc/tandem/kubeadm.yaml";
const PATCHES = "/etc/tandem/patches";
const CRI_SOCKET = "unix:///run/containerd/containerd.sock";

/**
 * kubeadm's checks that say nothing about a server which is a container: its kernel is the host's, and on an emulated
 * server the swap is, too. A real one must have none.
 */
export function ignoredChecks(config: NodeConfig, facts: NodeFacts): string {
  return [...(config.local ? ["Swap"] : []), ...(facts.container === "none" ? [] : ["SystemVerification"])].join(",");
}

/** What `kubeadm init` reads. Holds no secret: kubeadm makes its bootstrap token itself, and it lives for a minute. */
export function initConfig(config: ControlPlaneConfig, facts: NodeFacts): NodeFile[] {
  // Five servers share the cores of one computer: garbage is collected half as often, and the only ones of their kind
  // do not write every two seconds that they still lead.
  const frugal = config.local ? { extraEnvs: [{ name: "GOGC", value: "200" }] } : {};
  const alone = config.local ? { extraArgs: [{ name: "leader-elect", value: "false" }] } : {};
  const documents = [
    {
      apiVersion: API,
      kind: "InitConfiguration",
      // Each join gets a token of its own, later.
      bootstrapTokens: [{ ttl: "1m0s" }],
      localAPIEndpoint: { advertiseAddress: config.address, bindPort: 6443 },
      nodeRegistration: registration(config, [{ key: "node-role.kubernetes.io/control-plane", effect: "NoSchedule" }]),
      patches: { directory: PATCHES },
      timeouts: { kubernetesAPICall: `${config.apiServerSeconds ?? API_SERVER_SECONDS}s` },
    },
    {
      apiVersion: API,
      kind: "ClusterConfiguration",
      clusterName: "tandem",
      kubernetesVersion: config.kubernetes.version,
      imageRepository: "registry.k8s.io",
      controlPlaneEndpoint: config.controlPlaneEndpoint,
      networking: { podSubnet: config.podCidr, serviceSubnet: config.serviceCidr, dnsDomain: "cluster.local" },
      apiServer: { certSANs: [...new Set([config.address, ...config.certSans])], ...frugal },
      controllerManager: { ...frugal, ...alone },
      scheduler: { ...frugal, ...alone },
      etcd: { local: { dataDir: "/var/lib/etcd", ...frugal } },
    },
    { apiVersion: "kubelet.config.k8s.io/v1beta1", kind: "KubeletConfiguration" },
    {
      apiVersion: "kubeproxy.config.k8s.io/v1alpha1",
      kind: "KubeProxyConfiguration",
      mode: "iptables",
      clusterCIDR: config.podCidr,
      // nf_conntrack_max cannot be written inside a container; 0 leaves it alone.
      ...(facts.container === "none" ? {} : { conntrack: { maxPerCore: 0 } }),
    },
  ];
  return [{ path: CLUSTER_CONFIG, content: documents.map((document) => stringify(document)).join("---\n") }];
}

export interface JoinInput {
  controlPlaneEndpoint: string;
  caHash: string;
  taints: readonly Taint[];
}

/** What `kubeadm join` reads, with the token (a secret) in it: handed over on standard input only. */
export function joinConfig(
  config: NodeConfig,
  { controlPlaneEndpoint, caHash, taints }: JoinInput,
  token: string,
): string {
  return stringify({
    apiVersion: API,
    kind: "JoinConfiguration",
    discovery: {
      bootstrapToken: { apiServerEndpoint: controlPlaneEndpoint, token, caCertHashes: [caHash] },
    },
    nodeRegistration: registration(config, taints),
    patches: { directory: PATCHES },
  });
}

function registration(config: NodeConfig, taints: readonly Taint[]) {
  return {
    name: config.name,
    criSocket: CRI_SOCKET,
    taints,
    imagePullPolicy: "IfNotPresent",
    kubeletExtraArgs: [{ name: "node-ip", value: config.address }],
  };
}

/** The kubelet settings of this one server, which kubeadm lays over those of the cluster: servers may differ. */
export function kubeletPatch(config: NodeConfig, facts: NodeFacts): NodeFile[] {
  const settings = {
    cgroupDriver: cgroupDriver(facts),
    // kubelet 1.36 refuses cgroup v1 unless it is told not to.
    ...(facts.cgroup === 1 ? { failCgroupV1: false } : {}),
    // A Secret that changes reaches a running pod at the pod's next sync. LeaderWorkerSet's controller writes its own
    // certificate and then waits for it; with the kubelet's minute every group would wait as well.
    ...(config.role === "control-plane" ? { syncFrequency: "10s" } : {}),
    ...(config.local
      ? {
          failSwapOn: false,
          // The disk is the host's: its fill level says nothing about this server.
          localStorageCapacityIsolation: false,
          evictionHard: { "nodefs.available": "0%", "imagefs.available": "0%", "memory.available": "0%" },
          imageGCHighThresholdPercent: 100,
        }
      : {}),
  };
  return [{ path: `${PATCHES}/kubeletconfiguration0+merge.yaml`, content: stringify(settings) }];
}
