import type { Draft } from "../draft.ts";
import { type Problem, problem, type SpecPath } from "../problem.ts";

const PORT: SpecPath = ["gateway", "port"];

/** Ranges in which a fixed port on the host's network is not safe; both ends included. */
const UNSAFE: readonly { first: number; last: number; why: string }[] = [
  { first: 30000, last: 32767, why: "30000-32767 is the NodePort range of Kubernetes" },
  {
    first: 32768,
    last: 65535,
    why: "from 32768 on Linux gives ports to outgoing connections, so any of them may be taken",
  },
];

/** What listens on the servers and the control plane, where the replicas run. */
const TAKEN: Readonly<Record<number, string>> = {
  22: "sshd",
  2379: "etcd",
  2380: "etcd",
  2381: "etcd",
  6443: "the Kubernetes API server",
  10248: "kubelet",
  10249: "kube-proxy",
  10250: "kubelet",
  10256: "kube-proxy",
  10257: "kube-controller-manager",
  10259: "kube-scheduler",
};

/** The port that users see may be 443, but not one that something else holds. The plan looks after the engine's ports. */
export function gatewayPortRules({ gateway }: Draft): Problem[] {
  const port = gateway?.port;
  if (port === undefined) return [];
  const reasons = UNSAFE.filter(({ first, last }) => port >= first && port <= last).map(({ why }) => why);
  if (Object.hasOwn(TAKEN, port)) reasons.push(`${TAKEN[port]} listens on ${port}`);
  return reasons.map((why) =>
    problem("E_SPEC_PORT", PORT, { what: `gateway.port is ${port}`, why, fix: "use another port, e.g. 8443 or 443" }),
  );
}
