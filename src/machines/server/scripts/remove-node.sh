# On the control plane. The server itself may be dead: then its pods cannot confirm their end and are removed by force.
export KUBECONFIG=/etc/kubernetes/admin.conf
# A bare server has no cluster that the node could be in.
[ -s "$KUBECONFIG" ] || exit 0
# Without an answer it fails here: a node that was taken for gone would be reset while it serves.
found=$(kubectl get node "$node_name" --ignore-not-found -o name)
[ -n "$found" ] || exit 0
kubectl cordon "$node_name" > /dev/null
ready=$(kubectl get node "$node_name" -o 'jsonpath={.status.conditions[?(@.type=="Ready")].status}')
if [ "$ready" = True ]; then
  kubectl drain "$node_name" --ignore-daemonsets --delete-emptydir-data --force --timeout=60s > /dev/null || true
fi
address=$(kubectl get node "$node_name" -o 'jsonpath={.status.addresses[?(@.type=="InternalIP")].address}')
kubectl delete node "$node_name" --ignore-not-found > /dev/null
kubectl delete pods -A --field-selector "spec.nodeName=$node_name" --force --grace-period=0 --wait=false > /dev/null 2>&1 || true
nft delete element inet tandem joining "{ $address }" 2> /dev/null || true
