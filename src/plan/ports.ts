import { type Problem, problem } from "../spec/problem.ts";
import type { ClusterSpec } from "../spec/schema.ts";
import type { PortPlan } from "./serving-plan.ts";

/** SGLang 0.5.23 derives P..P+13 from the dist-init port P with attention DP (PortArgs.init_new); kept free always. */
const DIST_BLOCK = 14;

/** Ranges in which a fixed port of a host-network pod is not safe. Both ends included. */
const FORBIDDEN: readonly { from: number; to: number; why: string }[] = [
  { from: 1, to: 1023, why: "ports below 1024 belong to the system" },
  { from: 22000, to: 29999, why: "SGLang probes 22000-29999 for a free NCCL port" },
  { from: 30000, to: 32767, why: "30000-32767 is the NodePort range of Kubernetes" },
  { from: 32768, to: 65535, why: "32768 and above is the ephemeral range of Linux: any connection may hold the port" },
];

/** Ports that something else on a server listens on. */
const TAKEN: Readonly<Record<number, string>> = {
  2379: "etcd",
  2380: "etcd",
  6443: "the Kubernetes API server",
  6789: "SGLang's --engine-info-bootstrap-port",
  10248: "kubelet",
  10249: "kube-proxy",
  10250: "kubelet",
  10256: "kube-proxy",
  10257: "kube-controller-manager",
  10259: "kube-scheduler",
};

export function portPlan(spec: ClusterSpec): PortPlan {
  const { http, dist } = spec.network.ports;
  const block = Array.from({ length: DIST_BLOCK }, (_, offset) => dist + offset);
  return { http, dist, reserved: [...new Set([http, ...block])].sort((a, b) => a - b) };
}

/** Why the ports of a spec cannot be used with host networking; every clash, not the first. */
export function portProblems(spec: ClusterSpec): Problem[] {
  const { http, dist } = spec.network.ports;
  const problems: Problem[] = [];
  const refuse = (field: "http" | "dist", why: string) =>
    problems.push(
      problem("E_PLAN_PORT", ["network", "ports", field], {
        what: `port ${spec.network.ports[field]} cannot be used for ${field}`,
        why,
        fix:
          field === "http"
            ? "use a port from 1024 to 21999 that nothing else listens on, e.g. 8000"
            : `use a port from 1024 to ${21999 - DIST_BLOCK + 1}: P to P+13 are kept free, e.g. 20000`,
      }),
    );
  const check = (field: "http" | "dist", ports: number[]) => {
    for (const range of FORBIDDEN) {
      const inside = ports.find((port) => port >= range.from && port <= range.to);
      if (inside !== undefined)
        refuse(field, inside === ports[0] ? range.why : `P+${inside - dist} is ${inside}, and ${range.why}`);
    }
    for (const port of ports) {
      const owner = TAKEN[port] ?? (port === spec.gateway?.port ? "the gateway (gateway.port)" : undefined);
      if (owner !== undefined) refuse(field, `${port} is used by ${owner}`);
    }
  };
  check("http", [http]);
  check(
    "dist",
    Array.from({ length: DIST_BLOCK }, (_, offset) => dist + offset),
  );
  if (http >= dist && http < dist + DIST_BLOCK)
    refuse("http", `${http} lies in ${dist}-${dist + DIST_BLOCK - 1}, which SGLang derives from network.ports.dist`);
  return problems;
}
