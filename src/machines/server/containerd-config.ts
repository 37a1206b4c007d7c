import type { NodeFacts } from "./node-facts.ts";

/** As `kubeadm config images list` of 1.36.3 names it. */
export const PAUSE_IMAGE = "registry.k8s.io/pause:3.10.2";

/** The driver that containerd and kubelet must agree on. Inside a container there is no systemd that owns the cgroups. */
export function cgroupDriver(facts: NodeFacts): "systemd" | "cgroupfs" {
  return facts.container === "none" ? "systemd" : "cgroupfs";
}

/**
 * `/etc/containerd/config.toml`, in version 2 of its format: containerd 1.6 and 1.7 know no other, 2.x converts it.
 */
export function containerdConfig(facts: NodeFacts): string {
  const cri = 'plugins."io.containerd.grpc.v1.cri"';
  const systemd = cgroupDriver(facts) === "systemd";
  const runtime = (name: string, binary: string) => [
    `[${cri}.containerd.runtimes.${name}]`,
    'runtime_type = "io.containerd.runc.v2"',
    `[${cri}.containerd.runtimes.${name}.options]`,
    `SystemdCgroup = ${systemd}`,
    ...(binary === "" ? [] : [`BinaryName = "${binary}"`]),
  ];
  return `${[
    "# Written by Tandem. The file that was here before comes back with a reset.",
    "version = 2",
    // As in Debian's own file: the default would make /opt/containerd.
    '[plugins."io.containerd.internal.v1.opt"]',
    'path = "/var/lib/containerd/opt"',
    `[${cri}]`,
    `sandbox_image = "${PAUSE_IMAGE}"`,
    // Without CAP_SYS_RESOURCE every container whose score is below containerd's own would fail to start.
    `restrict_oom_score_adj = ${!facts.sysResource}`,
    `[${cri}.cni]`,
    `bin_dir = "${facts.cniFolder}"`,
    'conf_dir = "/etc/cni/net.d"',
    `[${cri}.registry]`,
    'config_path = "/etc/containerd/certs.d"',
    `[${cri}.containerd]`,
    `default_runtime_name = "${facts.nvidiaRuntime === "" ? "runc" : "nvidia"}"`,
    ...runtime("runc", ""),
    ...(facts.nvidiaRuntime === "" ? [] : runtime("nvidia", facts.nvidiaRuntime)),
  ].join("\n")}\n`;
}
