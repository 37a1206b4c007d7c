import type { NodeFile } from "./files-step.ts";
import { firewallRules } from "./firewall.ts";
import type { NodeConfig } from "./node-config.ts";
import { script } from "./script.ts";

const FIREWALL_UNIT = `[Unit]
Description=Tandem: ports of the stack are for its own servers
# Before anything that listens.
Before=network-pre.target kubelet.service tandem-network.service
Wants=network-pre.target
DefaultDependencies=no
After=local-fs.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=nft -f /etc/tandem/firewall.nft
ExecReload=nft -f /etc/tandem/firewall.nft
ExecStop=-nft delete table inet tandem

[Install]
WantedBy=multi-user.target
`;

const NETWORK_UNIT = `[Unit]
Description=Tandem: routes to the pods of the other servers
After=network.target tandem-firewall.service
Wants=tandem-firewall.service
ConditionPathExists=/etc/kubernetes/kubelet.conf
StartLimitIntervalSec=0

[Service]
ExecStart=/opt/tandem/bin/pod-network
Restart=always
RestartSec=1
# The list of the nodes is in memory twice, and kubectl with it.
MemoryHigh=128M
KillMode=control-group

[Install]
WantedBy=multi-user.target
`;

/** The firewall, the service that follows the nodes, and their units. */
export function networkFiles(config: NodeConfig, apiAddress: string): NodeFile[] {
  return [
    { path: "/etc/tandem/firewall.nft", content: firewallRules(config) },
    {
      path: "/etc/tandem/network.env",
      content: [
        `NODE_NAME=${config.name}`,
        `NODE_ADDRESS=${config.address}`,
        `POD_CIDR=${config.podCidr}`,
        `API_ADDRESS=${apiAddress}`,
        "",
      ].join("\n"),
    },
    { path: "/opt/tandem/bin/pod-network", mode: "755", content: script("pod-network") },
    { path: "/etc/systemd/system/tandem-firewall.service", content: FIREWALL_UNIT },
    { path: "/etc/systemd/system/tandem-network.service", content: NETWORK_UNIT },
  ];
}
