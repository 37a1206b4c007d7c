import type { Draft } from "../draft.ts";
import { addressRange, contains, formatAddress, overlaps } from "../ipv4.ts";
import { formatPath, type Problem, problem, type SpecPath } from "../problem.ts";
import { entriesOf } from "./read.ts";

interface Owned {
  path: SpecPath;
  text: string;
}

/** Every address belongs to one thing, and none lies in a network that Kubernetes hands out. */
export function addressRules(spec: Draft): Problem[] {
  const hosts = hostAddresses(spec);
  const networks = kubernetesNetworks(spec);
  return [
    ...twice(hosts),
    ...unusable(hosts),
    ...crossing(networks),
    ...hosts.flatMap((host) =>
      networks
        .filter(({ text }) => contains(text, host.text))
        .map((network) =>
          problem("E_SPEC_ADDRESS_OVERLAP", host.path, {
            what: `${formatPath(host.path)} ${host.text} lies in ${formatPath(network.path)} ${network.text}`,
            why: "Kubernetes gives addresses of that network to pods or Services, so packets would go to the wrong one",
            fix: `move ${formatPath(network.path)} to a network without servers, e.g. ${freeNetwork(hosts, networks)}`,
          }),
        ),
    ),
    ...outsideLocalSubnet(spec, hosts),
  ];
}

function hostAddresses(spec: Draft): Owned[] {
  const found: Owned[] = [];
  const add = (text: string | undefined, ...path: SpecPath) => text !== undefined && found.push({ path, text });
  for (const [name, { address, bmc }] of entriesOf(spec.servers)) {
    add(address, "servers", name, "address");
    add(bmc?.address, "servers", name, "bmc", "address");
  }
  for (const [name, { address }] of entriesOf(spec.controlPlane)) add(address, "controlPlane", name, "address");
  add(spec.gateway?.address, "gateway", "address");
  return found;
}

function kubernetesNetworks({ network }: Draft): Owned[] {
  return (["podCidr", "serviceCidr"] as const).flatMap((field) => {
    const text = network?.[field];
    return text === undefined ? [] : [{ path: ["network", field], text }];
  });
}

function twice(hosts: readonly Owned[]): Problem[] {
  return hosts.flatMap((host, index) => {
    const first = hosts.slice(0, index).find(({ text }) => text === host.text);
    if (first === undefined) return [];
    return [
      problem("E_SPEC_ADDRESS_OVERLAP", host.path, {
        what: `${host.text} is used twice`,
        why: `${formatPath(first.path)} has it too`,
        fix: `give ${formatPath(host.path)} an address of its own`,
      }),
    ];
  });
}

const UNUSABLE: readonly (readonly [string, string])[] = [
  ["0.0.0.0/8", "means this host"],
  ["127.0.0.0/8", "is loopback: every machine has it"],
  ["169.254.0.0/16", "is link-local"],
  ["224.0.0.0/3", "is for multicast or reserved"],
];

function unusable(hosts: readonly Owned[]): Problem[] {
  return hosts.flatMap(({ path, text }) =>
    UNUSABLE.filter(([network]) => contains(network, text)).map(([network, why]) =>
      problem("E_SPEC_ADDRESS", path, {
        what: `${formatPath(path)} is ${text}`,
        why: `${network} ${why}`,
        fix: "use the address by which the other servers reach it",
      }),
    ),
  );
}

function crossing(networks: readonly Owned[]): Problem[] {
  const [pods, services] = networks;
  if (pods === undefined || services === undefined) return [];
  if (!overlaps(addressRange(pods.text), addressRange(services.text))) return [];
  return [
    problem("E_SPEC_ADDRESS_OVERLAP", services.path, {
      what: `network.serviceCidr ${services.text} overlaps network.podCidr ${pods.text}`,
      why: "an address would belong to a pod and to a Service",
      fix: "use two networks apart from each other, e.g. 10.244.0.0/16 and 10.96.0.0/16",
    }),
  ];
}

function outsideLocalSubnet(spec: Draft, hosts: readonly Owned[]): Problem[] {
  if (spec.provision?.kind !== "local" || spec.provision.subnet === undefined) return [];
  const { subnet } = spec.provision;
  const { first, last } = addressRange(subnet);
  const clashes = kubernetesNetworks(spec)
    .filter(({ text }) => overlaps(addressRange(text), addressRange(subnet)))
    .map(({ path, text }) =>
      problem("E_SPEC_ADDRESS_OVERLAP", path, {
        what: `${formatPath(path)} ${text} overlaps provision.subnet ${subnet}`,
        why: "the local machines live in that subnet, and Kubernetes would hand out their addresses",
        fix: `move ${formatPath(path)}, e.g. to ${freeNetwork(hosts, [{ path: [], text: subnet }, ...kubernetesNetworks(spec)])}`,
      }),
    );
  const strays = hosts
    .filter(({ text }) => !isHostOf(addressRange(text).first, first, last))
    .map(({ path, text }) =>
      problem("E_SPEC_ADDRESS", path, {
        what: `${formatPath(path)} ${text} cannot be a machine of provision.subnet ${subnet}`,
        why: `machines take ${formatAddress(first + 2)} to ${formatAddress(last - 1)}; the first address is the bridge of this machine`,
        fix: "choose an address in that range, or move provision.subnet",
      }),
    );
  return [...clashes, ...strays];
}

function isHostOf(address: number, first: number, last: number): boolean {
  return address >= first + 2 && address <= last - 1;
}

/** A private /16 that touches nothing in the spec. */
function freeNetwork(hosts: readonly Owned[], networks: readonly Owned[]): string {
  const taken = [...hosts, ...networks].map(({ text }) => addressRange(text));
  const candidates = Array.from({ length: 256 }, (_, index) => `10.${(244 + index) % 256}.0.0/16`);
  return candidates.find((text) => !taken.some((range) => overlaps(range, addressRange(text)))) ?? "172.16.0.0/16";
}
