import type * as pulumi from "@pulumi/pulumi";
import { unknown } from "@pulumi/pulumi";
import { formatAddress, parseSubnet } from "../../machines/local/subnets.ts";
import type { ServerTarget } from "../../machines/server/targets.ts";
import type { ClusterSpec } from "../../spec/schema.ts";
import type { StackInputs } from "./stack-inputs.ts";

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
    firewall: { ports: ports.reserved.map(String), admins: adminsOf(spec), sshPort: target.port },
    local: spec.provision.kind === "local",
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
