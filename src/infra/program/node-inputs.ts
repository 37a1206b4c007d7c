import type * as pulumi from "@pulumi/pulumi";
import { unknown } from "@pulumi/pulumi";
import { formatAddress, parseSubnet } from "../../machines/local/subnets.ts";
import type { ServerTarget } from "../../machines/server/targets.ts";
import { AGENT_PORT, GATEWAY_ADMIN_PORT } from "../../plan/service-ports.ts";
import type { ClusterSpec } from "../../spec/schema.ts";
import type { StackInputs } from "./stack-inputs.ts";

type Gateway = NonNullable<ClusterSpec["gateway"]>;

/** The `node` input of one server: what it is to become. */
export function nodeInputs({ plan, prepared }: StackInputs, { role, target }: ServerTarget): pulumi.Inputs {
  const { spec, ports } = plan;
  return {
    name: target.name,
    address: target.address,
    role,
    podCidr: spec.network.podCidr,
    serviceCidr: spec.network.serviceCidr,
    kubernetes: prepared?.kubernetes ?? unknown,
    images: prepared?.images.filter(({ on }) => on.includes(role)).map(({ on: _, ...image }) => image) ?? unknown,
    firewall: {
      ports: [...ports.reserved, AGENT_PORT, GATEWAY_ADMIN_PORT].map(String),
      admins: adminsOf(spec),
      sshPort: target.port,
    },
    ...(spec.gateway?.on.includes(target.name) ? { gateway: gatewayAddress(spec, spec.gateway) } : {}),
    local: spec.provision.kind === "local",
  };
}

/** The address that clients use, for the servers that hold it in turn. */
function gatewayAddress({ provision, network, controlPlane, servers }: ClusterSpec, gateway: Gateway): pulumi.Inputs {
  const { address, on } = gateway;
  const all = { ...controlPlane, ...servers };
  return {
    address,
    // Without its network's length it is an address of its own on the link, which neighbours find just as well.
    prefixLength: provision.kind === "local" ? Number(provision.subnet.split("/")[1]) : 32,
    interface: network.interface,
    adminPort: GATEWAY_ADMIN_PORT,
    replicas: on.map((name) => ({ name, address: all[name]?.address ?? "" })),
  };
}

/** Who outside the stack may use its ports: this computer is a neighbour of its local machines, by the bridge's address. */
function adminsOf({ provision }: ClusterSpec): string[] {
  return provision.kind === "local" ? [formatAddress(parseSubnet(provision.subnet).first + 1)] : [];
}

/** The `access` input: how the operator's computer reaches a server. */
export function accessInputs({ target: { user, port, identityFile, knownHosts } }: ServerTarget): pulumi.Inputs {
  return { user, port, identityFile, knownHosts };
}
