import type { NodeFile } from "./files-step.ts";
import { filesStep } from "./files-step.ts";
import type { Remote } from "./remote.ts";
import { script } from "./script.ts";
import type { Step } from "./step.ts";

/** The one address of the gateway, which moves between the servers of its replicas. */
export interface GatewayAddress {
  /** IPv4 address that clients use, on the network of the servers. */
  address: string;
  /** Length of that network's prefix: 24 for 10.0.0.0/24. */
  prefixLength: number;
  /** Interface that carries the servers' addresses. */
  interface: string;
  /** Asked on loopback whether the replica here should hold the address; plain HTTP, whatever clients speak. */
  adminPort: number;
  /** This server and the other one, in the order of the spec; the first that is fit after a start holds the address. */
  replicas: readonly { name: string; address: string }[];
}

/**
 * Three missed advertisements and a skew below one interval: 4 × 0.3 s until the other server takes over, well inside
 * the 3 s that clients are promised. A busy server stalls for 100 ms at most, so one lost beat moves nothing.
 */
const ADVERTISEMENT_SECONDS = 0.3;

const UNIT = `[Unit]
Description=Tandem: the gateway's address
After=network.target tandem-network.service
ConditionPathExists=/etc/tandem/keepalived.conf

[Service]
# In the foreground, with files of its own: a keepalived that was here before is not touched.
ExecStart=keepalived --dont-fork --log-console --vrrp --use-file /etc/tandem/keepalived.conf --pid /run/tandem-address.pid --vrrp_pid /run/tandem-address-vrrp.pid
ExecReload=/bin/kill -HUP $MAINPID
Restart=always
RestartSec=1
KillMode=control-group

[Install]
WantedBy=multi-user.target
`;

/** VRRP needs a number that no other VRRP router of this network has; the last byte of the address is its own. */
export function virtualRouterId(address: string): number {
  return Math.max(1, Number(address.split(".").at(-1)) % 256);
}

/**
 * keepalived's configuration. Both start as backup and nobody takes the address back (`nopreempt`), so that a server
 * that returns causes no second break. Unicast: many switches and clouds drop VRRP's multicast.
 */
export function keepalivedConfig(gateway: GatewayAddress, name: string): string {
  const at = gateway.replicas.findIndex((replica) => replica.name === name);
  const own = gateway.replicas[at];
  if (own === undefined) throw new Error(`${name} has no replica of the gateway`);
  const peers = gateway.replicas.filter((replica) => replica.name !== name);
  return `# Written by Tandem: the gateway's address is where a gateway answers.
global_defs {
  router_id ${name}
  enable_script_security
  script_user root
  vrrp_version 3
  vrrp_garp_master_delay 1
  vrrp_garp_master_refresh 30
}
vrrp_script gateway {
  script "/opt/tandem/bin/gateway-alive ${gateway.adminPort}"
  interval 1
  timeout 1
  fall 2
  rise 1
}
vrrp_instance tandem {
  state BACKUP
  nopreempt
  interface ${gateway.interface}
  virtual_router_id ${virtualRouterId(gateway.address)}
  priority ${150 - at * 10}
  advert_int ${ADVERTISEMENT_SECONDS}
  unicast_src_ip ${own.address}
  unicast_peer {
${peers.map(({ address }) => `    ${address}`).join("\n")}
  }
  virtual_ipaddress {
    ${gateway.address}/${gateway.prefixLength} dev ${gateway.interface}
  }
  track_script {
    gateway
  }
}
`;
}

/** The files of a server that has a replica of the gateway. */
export function gatewayAddressFiles(gateway: GatewayAddress, name: string): NodeFile[] {
  return [
    { path: "/etc/tandem/keepalived.conf", mode: "600", content: keepalivedConfig(gateway, name) },
    { path: "/opt/tandem/bin/gateway-alive", mode: "755", content: script("gateway-alive") },
    { path: "/etc/systemd/system/tandem-address.service", content: UNIT },
  ];
}

/** Gives a server its part in holding the gateway's address. Needs no API server, now or later. */
export function gatewayAddressStep(remote: Remote, gateway: GatewayAddress): Step {
  return filesStep(remote, "the gateway's address", gatewayAddressFiles(gateway, remote.target.name), {
    also: "systemctl is-active -q tandem-address && systemctl is-enabled -q tandem-address || exit 1",
    after: "systemctl daemon-reload; systemctl enable -q tandem-address; systemctl restart tandem-address",
  });
}
