import { TandemError } from "../../errors.ts";
import type { NodeConfig } from "./node-config.ts";
import type { Remote } from "./remote.ts";
import { scriptStep } from "./script.ts";
import type { Step } from "./step.ts";

const KUBECTL = "kubectl --kubeconfig /etc/kubernetes/admin.conf";
const IS_READY = `-o 'jsonpath={.status.conditions[?(@.type=="Ready")].status}'`;

/**
 * Waits until Kubernetes calls a node ready, asking the control plane. That a pod can start on it (a broken image store
 * prevents that, and the node is ready all the same) is proved by {@link serviceStep}.
 *
 * Watches, and does not ask again and again: each kubectl costs 0.15 s of a core, and every server's join asks the same
 * control plane.
 */
export function readyStep(controlPlane: Remote, nodeName: string): Step {
  return scriptStep(controlPlane, {
    name: `${nodeName} ready`,
    values: { node_name: nodeName },
    check: `[ "$(${KUBECTL} get node "$node_name" ${IS_READY})" = True ]`,
    act: `
${KUBECTL} wait node "$node_name" --for=condition=Ready --timeout=150s > /dev/null && exit 0
${KUBECTL} get node "$node_name" -o 'jsonpath={.status.conditions[?(@.type=="Ready")].message}' >&2
exit 1`,
    // The wait is the proof.
    verify: ":",
    timeoutMs: 180_000,
  });
}

/**
 * Waits until a server reaches the API server by its service address: the proof that kube-proxy, which is a pod, runs there
 * and that its rules are in place. A kube-proxy whose rules the kernel refuses runs on and calls itself ready. When it does
 * not come to that, the control plane knows why.
 */
export function serviceStep(remote: Remote, controlPlane: Remote, { name, serviceCidr }: NodeConfig): Step {
  const check = 'timeout 1 bash -c "exec 3<> /dev/tcp/$address/443" 2> /dev/null';
  const step = scriptStep(remote, {
    name: "service addresses",
    // Kubernetes gives the API server the first address of the network.
    values: { address: serviceCidr.replace(/\d+\/\d+$/, (last) => String(Number.parseInt(last, 10) + 1)) },
    check: `${check} || exit 1`,
    act: `
for i in {1..120}; do ${check} && exit 0; sleep 0.5; done
echo "the API server does not answer at its service address $address:443: kube-proxy has set no rules" >&2
exit 1`,
    timeoutMs: 180_000,
  });
  return {
    ...step,
    act: (signal) =>
      step.act(signal).catch(async (error: unknown) => {
        if (!(error instanceof TandemError) || signal?.aborted) throw error;
        const { code, what, why, fix, cause } = error;
        throw new TandemError({ code, what, why: `${why}${await podsOf(controlPlane, name)}`, fix, cause });
      }),
  };
}

/** What Kubernetes says of its own pods on a server, for the end of a sentence; nothing if it cannot be asked. */
async function podsOf(controlPlane: Remote, node: string): Promise<string> {
  const script = `${KUBECTL} -n kube-system get pods --field-selector "spec.nodeName=$node_name" -o wide`;
  const said = await controlPlane.run(script, { values: { node_name: node }, timeoutMs: 20_000 }).catch(() => "");
  return said === "" ? "" : `\nits pods:\n${said.trimEnd()}`;
}
