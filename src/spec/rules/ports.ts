import type { Draft } from "../draft.ts";
import { type Problem, problem, type SpecPath } from "../problem.ts";
import { itemsOf } from "./read.ts";

/** SGLang 0.5.23 derives P+1 to P+13 from the dist-init port P with attention DP (PortArgs.init_new). */
export const DIST_BLOCK = 14;

/** Ranges in which a fixed port on the host's network is not safe; both ends included. */
const UNSAFE: readonly { first: number; last: number; why: string; distOnly?: true }[] = [
  { first: 1, last: 1023, why: "below 1024 ports belong to the system" },
  { first: 22000, last: 29999, why: "SGLang probes 22000-29999 for a free NCCL port", distOnly: true },
  { first: 30000, last: 32767, why: "30000-32767 is the NodePort range of Kubernetes" },
  {
    first: 32768,
    last: 65535,
    why: "from 32768 on Linux gives ports to outgoing connections, so any of them may be taken",
  },
];

/** Ports that something else on a server listens on. */
const TAKEN: Readonly<Record<number, string>> = {
  2379: "etcd",
  2380: "etcd",
  2381: "etcd",
  6443: "the Kubernetes API server",
  6789: "SGLang's --engine-info-bootstrap-port",
  10248: "kubelet",
  10249: "kube-proxy",
  10250: "kubelet",
  10256: "kube-proxy",
  10257: "kube-controller-manager",
  10259: "kube-scheduler",
};

const DIST: SpecPath = ["network", "ports", "dist"];
const HTTP: SpecPath = ["network", "ports", "http"];
const GATEWAY: SpecPath = ["gateway", "port"];

/** Ports on the host's network: outside the unsafe ranges, not taken, not in each other's way. */
export function portRules({ network, gateway, groups }: Draft): Problem[] {
  const { http, dist } = network?.ports ?? {};
  const port = gateway?.port;
  const found: Problem[] = [];
  if (http !== undefined) found.push(...unsafe(HTTP, http, 1), ...taken(HTTP, http, 1));
  if (dist !== undefined) found.push(...unsafe(DIST, dist, DIST_BLOCK), ...taken(DIST, dist, DIST_BLOCK));
  // The gateway may use 443: it is the one port that users see.
  if (port !== undefined) {
    if (port >= 1024) found.push(...unsafe(GATEWAY, port, 1));
    found.push(...taken(GATEWAY, port, 1));
  }
  if (http !== undefined && dist !== undefined && within(http, dist)) found.push(inBlock(HTTP, http, dist));
  const members = Object.values(groups ?? {}).flatMap((list) => itemsOf(list).map(({ item }) => item));
  const shared = itemsOf(gateway?.on).find(({ item }) => members.includes(item));
  if (port === undefined || shared === undefined) return found;
  if (dist !== undefined && within(port, dist)) found.push(inBlock(GATEWAY, port, dist));
  if (port === http) found.push(sameAsEngine(port, shared.item));
  return found;
}

function within(port: number, dist: number): boolean {
  return port >= dist && port < dist + DIST_BLOCK;
}

function unsafe(path: SpecPath, port: number, count: number): Problem[] {
  const isDist = path === DIST;
  return UNSAFE.filter(
    ({ first, last, distOnly }) => (isDist || !distOnly) && port <= last && port + count - 1 >= first,
  ).map(({ first, why }) =>
    problem("E_SPEC_PORT", path, {
      what:
        port >= first || count === 1
          ? `${path.join(".")} is ${port}`
          : `${path.join(".")} is ${port}, so P+${first - port} is ${first}`,
      why,
      fix: isDist
        ? `use a port from 1024 to ${21999 - DIST_BLOCK + 1} (P to P+${DIST_BLOCK - 1} are used), e.g. 20000`
        : `use a port from 1024 to ${path === HTTP ? "21999, e.g. 8000" : "29999, e.g. 8443"}`,
    }),
  );
}

function taken(path: SpecPath, port: number, count: number): Problem[] {
  return Object.entries(TAKEN)
    .filter(([number]) => Number(number) >= port && Number(number) < port + count)
    .map(([number, owner]) =>
      problem("E_SPEC_PORT", path, {
        what: `${path.join(".")} is ${port}${count === 1 ? "" : `, a block of ${count} ports`}`,
        why: `${number} is used by ${owner} on every server`,
        fix: `use another port, e.g. ${path === DIST ? 20000 : path === HTTP ? 8000 : 8443}`,
      }),
    );
}

function inBlock(path: SpecPath, port: number, dist: number): Problem {
  return problem("E_SPEC_PORT", path, {
    what: `${path.join(".")} is ${port}`,
    why: `it lies in ${dist}-${dist + DIST_BLOCK - 1}, which SGLang derives from network.ports.dist ${dist}`,
    fix: `use a port outside that block, e.g. ${path === HTTP ? 8000 : 8443}`,
  });
}

function sameAsEngine(port: number, server: string): Problem {
  return problem("E_SPEC_PORT", GATEWAY, {
    what: `gateway.port and network.ports.http are both ${port}`,
    why: `both listen on the host's network of ${server}`,
    fix: "give the gateway another port, e.g. 8443",
  });
}
