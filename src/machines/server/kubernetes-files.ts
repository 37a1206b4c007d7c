import type { NodeFile } from "./files-step.ts";

/** Where programs that we bring lie on a server, each under the hash of its content: what is there is known to be whole. */
export const BIN_FOLDER = "/opt/tandem/bin";

/** As the packages of Kubernetes have it, except for the start limit. */
const UNIT = `[Unit]
Description=kubelet: the Kubernetes node agent
Documentation=https://kubernetes.io/docs/
Wants=network-online.target
After=network-online.target containerd.service
# A server that boots before its network keeps trying.
StartLimitIntervalSec=0

[Service]
Environment="KUBELET_KUBECONFIG_ARGS=--bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf --kubeconfig=/etc/kubernetes/kubelet.conf"
Environment="KUBELET_CONFIG_ARGS=--config=/var/lib/kubelet/config.yaml"
# kubeadm writes the flags of this server into this file.
EnvironmentFile=-/var/lib/kubelet/kubeadm-flags.env
ExecStart=/usr/local/bin/kubelet $KUBELET_KUBECONFIG_ARGS $KUBELET_CONFIG_ARGS $KUBELET_KUBEADM_ARGS
Restart=always
RestartSec=1

[Install]
WantedBy=multi-user.target
`;

export function kubeletFiles(): NodeFile[] {
  return [{ path: "/etc/systemd/system/kubelet.service", content: UNIT }];
}
