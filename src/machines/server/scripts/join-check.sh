[ -e /var/lib/tandem/joined ] && [ -s /etc/kubernetes/kubelet.conf ] && systemctl is-active -q kubelet || exit 1
