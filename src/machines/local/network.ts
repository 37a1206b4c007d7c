import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { TandemError } from "../../errors.ts";
import { engineDir, tandemHome } from "../home.ts";
import { withLock } from "../lock.ts";
import { ifStatus } from "./docker-api.ts";
import type { Engine } from "./engine.ts";
import { prepareHostSettings } from "./host-settings.ts";
import { bridgeName, LABEL, networkName, ownerId } from "./labels.ts";
import { addBlackholes, removeBlackholes, usedSubnets } from "./routes.ts";
import { assertFree, formatAddress, overlaps, parseSubnet } from "./subnets.ts";

export interface NetworkRequest {
  /** The stack's name. */
  name: string;
  subnet: string;
  podCidr: string;
  serviceCidr: string;
  /** How many machines will be on it: sizes the kernel limits they share. */
  machines?: number;
}

export interface LocalNetwork {
  name: string;
  bridge: string;
  subnet: string;
  /** The host's address on it: default route of the machines. */
  gateway: string;
}

interface NetworkInfo {
  Labels: Record<string, string> | null;
  IPAM: { Config: { Subnet: string; Gateway?: string }[] | null };
}

/**
 * The network of a stack: one bridge that all its machines share, black holes behind its subnets, kernel limits raised.
 * Idempotent; a changed subnet is refused.
 *
 * @throws TandemError E_SUBNET_TAKEN, E_NETWORK_FOREIGN, E_NETWORK_DIFFERS.
 */
export async function ensureNetwork(
  engine: Engine,
  request: NetworkRequest,
  signal?: AbortSignal,
): Promise<LocalNetwork> {
  const { name: stack, subnet, podCidr, serviceCidr, machines = 5 } = request;
  const name = networkName(stack);
  const bridge = bridgeName(engine, stack);
  const { first, text } = parseSubnet(subnet);
  const network: LocalNetwork = { name, bridge, subnet: text, gateway: formatAddress(first + 1) };
  return withLock(join(engineDir(engine.home), "network.lock"), signal, async () => {
    const found = await engine.api.find<NetworkInfo>(`/networks/${name}`, { signal });
    if (found) assertOurs(engine, stack, network, found);
    else await assertUnused({ subnet, podCidr, serviceCidr });
    await prepareHostSettings(engine.home, machines);
    // Recorded before they are made: a killed command leaves a record without routes, not routes without a record.
    await recordRoutes(engine.home, stack, [text, podCidr, serviceCidr]);
    await addBlackholes([text, podCidr, serviceCidr]);
    if (!found) await createNetwork(engine, stack, network, signal);
    return network;
  });
}

/**
 * Refuses networks that this computer uses, while nothing was built for a stack yet: it costs a moment, and would
 * otherwise be told after a quarter of an hour. A stack whose network is there already has its answer. A daemon that was
 * killed cannot be asked for it, but has left the stack's bridge, which is known by its name.
 *
 * @throws TandemError E_SUBNET_TAKEN
 */
export async function assertNetworkFits(
  engine: Engine | undefined,
  { name, subnet, podCidr, serviceCidr }: NetworkRequest,
  home = tandemHome(),
): Promise<void> {
  if (await engine?.api.find(`/networks/${networkName(name)}`)) return;
  await assertUnused({ subnet, podCidr, serviceCidr }, engine === undefined ? bridgeName({ home }, name) : undefined);
}

async function assertUnused(networks: Record<string, string>, ownBridge?: string): Promise<void> {
  assertDistinct(networks);
  const used = await usedSubnets();
  assertFree(
    networks,
    used.filter(({ link }) => link === undefined || link !== ownBridge),
  );
}

/** Removes the network of a stack and its black holes, except those that another stack needs too. Absent is fine. */
export async function deleteNetwork(engine: Engine, stack: string): Promise<void> {
  await withLock(join(engineDir(engine.home), "network.lock"), undefined, async () => {
    const found = await engine.api.find<NetworkInfo>(`/networks/${networkName(stack)}`);
    if (found?.Labels?.[LABEL.owner] === ownerId(engine)) {
      await engine.api.call("DELETE", `/networks/${networkName(stack)}`).catch(ifStatus(404));
    }
    await dropRoutes(engine.home, stack);
  });
}

/** Removes the black holes of a stack; works without an engine. */
export async function dropRoutes(home: string, stack: string): Promise<void> {
  const folder = routesDir(home);
  const own = await readRoutes(home, stack);
  const stacks = (await readdir(folder).catch(() => [])).map((file) => file.replace(/\.json$/, ""));
  const others = stacks.filter((other) => other !== stack);
  const kept = (await Promise.all(others.map((other) => readRoutes(home, other)))).flat();
  await removeBlackholes(own.filter((network) => !kept.includes(network)));
  await rm(others.length === 0 ? folder : join(folder, `${stack}.json`), { recursive: true, force: true });
}

async function createNetwork(engine: Engine, stack: string, network: LocalNetwork, signal?: AbortSignal) {
  await engine.api.call("POST", "/networks/create", {
    body: {
      Name: network.name,
      Driver: "bridge",
      CheckDuplicate: true,
      IPAM: { Config: [{ Subnet: network.subnet, Gateway: network.gateway }] },
      Options: {
        "com.docker.network.bridge.name": network.bridge,
        // The cluster is sealed: nothing in it may reach beyond this computer.
        "com.docker.network.bridge.enable_ip_masquerade": "false",
      },
      Labels: { [LABEL.owner]: ownerId(engine), [LABEL.stack]: stack },
    },
    signal,
  });
}

function assertOurs(engine: Engine, stack: string, wanted: LocalNetwork, found: NetworkInfo): void {
  const labels = found.Labels ?? {};
  if (labels[LABEL.owner] !== ownerId(engine) || labels[LABEL.stack] !== stack) {
    throw new TandemError({
      code: "E_NETWORK_FOREIGN",
      what: `the network ${wanted.name} belongs to somebody else`,
      why: `it lacks the labels of stack ${stack} made by this TANDEM_HOME`,
      fix: `rename the stack, or remove that network with \`docker network rm ${wanted.name}\``,
    });
  }
  const subnet = found.IPAM.Config?.[0]?.Subnet ?? "none";
  if (subnet === wanted.subnet) return;
  throw new TandemError({
    code: "E_NETWORK_DIFFERS",
    what: `the subnet of stack ${stack} was changed`,
    why: `its machines are on ${subnet}, the spec says ${wanted.subnet}; addresses of machines cannot move`,
    fix: `put ${subnet} back, or take the stack down first`,
  });
}

function assertDistinct(networks: Record<string, string>): void {
  const rows = Object.entries(networks).map(([field, text]) => ({ field, ...parseSubnet(text) }));
  for (const [at, a] of rows.entries()) {
    const b = rows.slice(at + 1).find((other) => overlaps(a, other));
    if (b) assertFree({ [a.field]: a.text }, [{ ...b, by: `${b.field} of the same spec` }]);
  }
}

function routesDir(home: string): string {
  return join(engineDir(home), "routes");
}

async function recordRoutes(home: string, stack: string, networks: readonly string[]): Promise<void> {
  await mkdir(routesDir(home), { recursive: true });
  const all = [...new Set([...(await readRoutes(home, stack)), ...networks])];
  await writeFile(join(routesDir(home), `${stack}.json`), JSON.stringify(all));
}

async function readRoutes(home: string, stack: string): Promise<string[]> {
  const text = await readFile(join(routesDir(home), `${stack}.json`), "utf8").catch(() => "[]");
  return JSON.parse(text) as string[];
}
