import type { GatewayAddress } from "./gateway-address.ts";

/** An archive that `ctr images import` takes; `references` are the images that it holds. */
export interface NodeImage {
  references: readonly string[];
  path: string;
  sha256: string;
}

export interface FirewallConfig {
  /** Ports in nftables' form ("8000", "20000-20013") that only servers of the stack and admins may use. */
  ports: readonly string[];
  /** Addresses or networks outside the stack that may use the API server and `ports`. */
  admins: readonly string[];
  /** Never closed by us, whatever the other fields say. */
  sshPort: number;
}

/** What one server is to become. */
export interface NodeConfig {
  /** Kubernetes node name: the server's name in the spec. */
  name: string;
  /** IPv4 address by which the other servers of the stack reach this one. */
  address: string;
  role: "control-plane" | "gpu";
  podCidr: string;
  serviceCidr: string;
  kubernetes: {
    /** With the leading v: "v1.36.3". */
    version: string;
    /** Local path of the one file that holds kubelet, kubeadm and kubectl. */
    path: string;
    sha256?: string;
  };
  images: readonly NodeImage[];
  firewall: FirewallConfig;
  /** Only on a server that has a replica of the gateway. */
  gateway?: GatewayAddress;
  /** True on an emulated server: a container without GPUs of its own, whose kernel belongs to its host. */
  local: boolean;
}
