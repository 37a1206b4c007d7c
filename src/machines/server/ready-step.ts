import type { NodeConfig } from "./node-config.ts";
import type { Remote } from "./remote.ts";
import { scriptStep } from "./script.ts";
import type { Step } from "./step.ts";

const KUBECTL = "kubectl --kubeconfig /etc/kubernetes/admin.conf";
const PROXY = '-n kube-system pod -l k8s-app=kube-proxy --field-selector "spec.nodeName=$node_name"';
const IS_READY = `-o 'jsonpath={.status.conditions[?(@.type=="Ready")].status}'`;

/**
 * Waits until Kubernetes says that a node can be used, asking the control plane. A node can be Ready while no pod can
 * start on it (a broken image store does that), so kube-proxy, which every node runs, must run too.
 *
 * Watches, and does not ask again and again: each kubectl costs 0.14 s of a core, and every server's join asks the same
 * control plane.
 */
export function readyStep(controlPlane: Remote, nodeName: string): Step {
  return scriptStep(controlPlane, {
    name: `${nodeName} ready`,
    values: { node_name: nodeName },
    check: `
[ "$(${KUBECTL} get node "$node_name" ${IS_READY})" = True ] || exit 1
[ "$(${KUBECTL} get ${PROXY} -o 'jsonpath={.items[*].status.conditions[?(@.type=="Ready")].status}')" = True ]`,
    act: `
if ${KUBECTL} wait node "$node_name" --for=condition=Ready --timeout=100s > /dev/null; then
  # The pod is made when the node is; a wait for none at all would fail at once.
  for i in {1..20}; do
    [ -n "$(${KUBECTL} get ${PROXY} -o name)" ] && break
    sleep 0.5
  done
  ${KUBECTL} wait ${PROXY} --for=condition=Ready --timeout=50s > /dev/null && exit 0
fi
${KUBECTL} get node "$node_name" -o 'jsonpath={.status.conditions[?(@.type=="Ready")].message}' >&2
${KUBECTL} -n kube-system get pods --field-selector "spec.nodeName=$node_name" -o wide >&2
exit 1`,
    // The two waits are the proof.
    verify: ":",
    timeoutMs: 180_000,
  });
}

/**
 * Waits until a server reaches the API server by its service address: the proof that kube-proxy's rules are in place.
 * A kube-proxy whose rules the kernel refuses runs on and calls itself ready.
 */
export function serviceStep(remote: Remote, { serviceCidr }: NodeConfig): Step {
  const check = 'timeout 1 bash -c "exec 3<> /dev/tcp/$address/443" 2> /dev/null';
  return scriptStep(remote, {
    name: "service addresses",
    // Kubernetes gives the API server the first address of the network.
    values: { address: serviceCidr.replace(/\d+\/\d+$/, (last) => String(Number.parseInt(last, 10) + 1)) },
    check: `${check} || exit 1`,
    act: `
for i in {1..60}; do ${check} && exit 0; sleep 0.5; done
echo "the API server does not answer at its service address $address:443: kube-proxy has set no rules" >&2
exit 1`,
    timeoutMs: 120_000,
  });
}
