[ -e /var/lib/tandem/control-plane ] && kubectl --kubeconfig /etc/kubernetes/admin.conf get --raw /readyz > /dev/null 2>&1
