import type { ControlPlaneConfig } from "./kubeadm-config.ts";
import type { Remote } from "./remote.ts";
import { scriptStep } from "./script.ts";
import type { Step } from "./step.ts";

const READ =
  "kubectl --kubeconfig /etc/kubernetes/admin.conf -n kube-system get configmap coredns -o jsonpath='{.data.Corefile}'";

// CoreDNS reads the file that the kubelet hands to pods. A resolver on a loopback address (a cache of the server itself,
// every Docker container) would be CoreDNS in its own pod: it asks the others, or nobody.
const RESOLVE = `
if [ "$forward" = node ]; then
  forward=/etc/resolv.conf
  if systemctl is-active -q systemd-resolved; then file=/run/systemd/resolve/resolv.conf; else file=/etc/resolv.conf; fi
  servers=$(awk '$1 == "nameserver" { print $2 }' "$file" 2> /dev/null || true)
  others=$(grep -vE '^(127\\.|::1$)' <<< "$servers" || true)
  [ "$servers" = "$others" ] || forward=$(xargs <<< "$others")
fi`;

/**
 * Sends names of the outside where the spec says. With kubeadm's default a server whose resolver is on a loopback
 * address makes CoreDNS ask itself, and its loop plug-in then ends it.
 */
export function dnsStep(remote: Remote, dns: ControlPlaneConfig["dns"]): Step {
  const forward = dns === "node" ? "node" : dns === "none" ? "" : dns.join(" ");
  return scriptStep(remote, {
    name: "cluster DNS",
    values: { forward },
    check: `${RESOLVE}
corefile=$(${READ})
if [ -n "$forward" ]; then grep -qF "forward . $forward {" <<< "$corefile"; else ! grep -qE '^ *(forward|loop)' <<< "$corefile"; fi`,
    act: `${RESOLVE}
export KUBECONFIG=/etc/kubernetes/admin.conf
${READ} | awk -v forward="$forward" '
  /^ *forward / { if (forward != "") { sub(/forward \\. .* \\{/, "forward . " forward " {"); print; next } skip = 1 }
  skip { if (/}/) skip = 0; next }
  /^ *loop *$/ && forward == "" { next }
  { print }' | {
  printf 'apiVersion: v1\\nkind: ConfigMap\\nmetadata: { name: coredns, namespace: kube-system }\\ndata:\\n  Corefile: |\\n'
  sed 's/^/    /'
} | kubectl apply --server-side --force-conflicts --field-manager=tandem -f - > /dev/null
# Only pods that have read the old one must start again.
running=$(kubectl -n kube-system get pods -l k8s-app=kube-dns -o 'jsonpath={.items[*].status.podIP}')
[ -z "$running" ] || kubectl -n kube-system rollout restart deployment coredns > /dev/null`,
    // The API server has said that it took it; everything of the cluster waits for this step.
    verify: ":",
  });
}
