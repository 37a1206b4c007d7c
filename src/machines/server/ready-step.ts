import type { NodeConfig } from "./node-config.ts";
import type { Remote } from "./remote.ts";
import { scriptStep } from "./script.ts";
import type { Step } from "./step.ts";

const READY = `
export KUBECONFIG=/etc/kubernetes/admin.conf
node=$(kubectl get node "$node_name" -o 'jsonpath={.status.conditions[?(@.type=="Ready")].status}')
proxy=$(kubectl -n kube-system get pods -l k8s-app=kube-proxy --field-selector "spec.nodeName=$node_name" -o 'jsonpath={.items[*].status.conditions[?(@.type=="Ready")].status}')`;

/**
 * Waits until Kubernetes says that a node can be used, asking the control plane. A node can be Ready while no pod can
 * start on it (a broken image store does that), so kube-proxy, which every node runs, must run too.
 */
export function readyStep(controlPlane: Remote, nodeName: string): Step {
  return scriptStep(controlPlane, {
    name: `${nodeName} ready`,
    values: { node_name: nodeName },
    check: `${READY}\n[ "$node $proxy" = "True True" ]`,
    act: `
for i in {1..100}; do
  ${READY}
  [ "$node $proxy" = "True True" ] && exit 0
  sleep 0.5
done
kubectl get node "$node_name" -o 'jsonpath={.status.conditions[?(@.type=="Ready")].message}' >&2
kubectl -n kube-system get pods --field-selector "spec.nodeName=$node_name" -o wide >&2
exit 1`,
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
