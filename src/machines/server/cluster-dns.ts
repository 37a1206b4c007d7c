import type { ControlPlaneConfig } from "./kubeadm-config.ts";
import type { Remote } from "./remote.ts";
import { scriptStep } from "./script.ts";
import type { Step } from "./step.ts";

const READ =
  "kubectl --kubeconfig /etc/kubernetes/admin.conf -n kube-system get configmap coredns -o jsonpath='{.data.Corefile}'";

/**
 * Sends names of the outside where the spec says. With kubeadm's default a server whose resolver is on a loopback
 * address (every Docker container) makes CoreDNS ask itself, and its loop plug-in then ends it.
 */
export function dnsStep(remote: Remote, dns: ControlPlaneConfig["dns"]): Step {
  const forward = dns === "node" ? "/etc/resolv.conf" : dns === "none" ? "" : dns.join(" ");
  return scriptStep(remote, {
    name: "cluster DNS",
    values: { forward },
    check: `
corefile=$(${READ})
if [ -n "$forward" ]; then grep -qF "forward . $forward {" <<< "$corefile"; else ! grep -qE '^ *(forward|loop)' <<< "$corefile"; fi`,
    act: `
export KUBECONFIG=/etc/kubernetes/admin.conf
${READ} | awk -v forward="$forward" '
  /^ *forward / { if (forward != "") { sub(/forward \\. .* \\{/, "forward . " forward " {"); print; next } skip = 1 }
  skip { if (/}/) skip = 0; next }
  /^ *loop *$/ && forward == "" { next }
  { print }' > /run/tandem.corefile
kubectl -n kube-system create configmap coredns --from-file=Corefile=/run/tandem.corefile --dry-run=client -o yaml | kubectl apply --server-side --force-conflicts --field-manager=tandem -f - > /dev/null
rm /run/tandem.corefile
# Only pods that have read the old one must start again.
running=$(kubectl -n kube-system get pods -l k8s-app=kube-dns -o 'jsonpath={.items[*].status.podIP}')
[ -z "$running" ] || kubectl -n kube-system rollout restart deployment coredns > /dev/null`,
  });
}
