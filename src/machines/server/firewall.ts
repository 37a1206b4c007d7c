import { TandemError } from "../../errors.ts";
import type { NodeConfig } from "./node-config.ts";

/** kubelet, etcd (clients, peers), kube-proxy's health and metrics, controller manager, scheduler. */
const NODE_PORTS = ["10250", "2379-2380", "10249", "10256", "10257", "10259"] as const;
const API_PORT = "6443";

/**
 * The stack's own nftables table, as one transaction that replaces an older one. It only ever drops new connections to
 * the listed ports from strangers; everything else, SSH above all, passes to whatever rules the server has.
 *
 * Set `nodes` is filled by the pod network service, set `joining` by a join, for the few minutes in which the control
 * plane does not know the new server yet.
 *
 * @throws E_FIREWALL_SSH if a port to close is the one that SSH comes through
 */
export function firewallRules({ firewall, podCidr, serviceCidr, role, gateway }: NodeConfig): string {
  const closed = [...NODE_PORTS, ...firewall.ports];
  const lockedOut = [...closed, API_PORT].find((range) => {
    const [from = 0, to = from] = range.split("-").map(Number);
    return from <= firewall.sshPort && firewall.sshPort <= to;
  });
  if (lockedOut !== undefined) {
    throw new TandemError({
      code: "E_FIREWALL_SSH",
      what: "the host firewall was not changed",
      why: `port range ${lockedOut} would be closed to strangers, and SSH comes through port ${firewall.sshPort}`,
      fix: "move the engine's ports (network.ports) or SSH's port (provision.port) in the spec so that they differ",
    });
  }
  const set = (ports: readonly string[]) => `{ ${ports.join(", ")} }`;
  const forAdmins = [...firewall.ports, ...(role === "control-plane" ? [API_PORT] : [])];
  const all = [...closed, API_PORT];
  const admin =
    firewall.admins.length > 0 && forAdmins.length > 0
      ? [`    ip saddr ${set(firewall.admins)} tcp dport ${set(forAdmins)} accept`]
      : [];
  // VRRP has no secret that is worth one: only the other replica's server may speak it.
  const vrrp = gateway
    ? [`    ip protocol vrrp ip saddr != ${set(gateway.replicas.map(({ address }) => address))} drop`]
    : [];
  return `${[
    "# Written by Tandem; the table is loaded and removed as one.",
    "table inet tandem",
    "delete table inet tandem",
    "table inet tandem {",
    "  set nodes { type ipv4_addr; }",
    "  set joining { type ipv4_addr; flags timeout; }",
    "  chain input {",
    "    type filter hook input priority filter - 5; policy accept;",
    `    tcp dport ${set(all)} jump strangers`,
    ...vrrp,
    "  }",
    "  chain strangers {",
    '    iif "lo" accept',
    "    ct state established,related accept",
    "    ip saddr @nodes accept",
    "    ip saddr @joining accept",
    // Pods of this very server: their addresses cannot come in by a network card.
    `    iifname "veth*" ip saddr ${podCidr} accept`,
    ...admin,
    "    counter drop",
    "  }",
    // A service address that kube-proxy has no rule for yet is refused at once. Without this the first packet leaves the
    // server, the kernel remembers its connection as one to pass on as it is, and a pod that started a second too early
    // (CoreDNS does) waits half a minute for an answer. After kube-proxy's own step no packet has such an address.
    "  chain unserved {",
    "    meta l4proto tcp reject with tcp reset",
    "    reject",
    "  }",
    "  chain forward {",
    "    type filter hook forward priority filter; policy accept;",
    `    ip daddr ${serviceCidr} jump unserved`,
    "  }",
    "  chain output {",
    "    type filter hook output priority filter; policy accept;",
    `    ip daddr ${serviceCidr} jump unserved`,
    "  }",
    "  chain postrouting {",
    "    type nat hook postrouting priority srcnat + 5; policy accept;",
    // Pods keep their address among themselves and take their server's towards everything else.
    `    ip saddr ${podCidr} ip daddr != ${podCidr} fib daddr type != { local, multicast, broadcast } masquerade`,
    "  }",
    "}",
  ].join("\n")}\n`;
}
