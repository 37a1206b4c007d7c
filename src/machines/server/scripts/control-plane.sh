# kubeadm init, also after one that was killed half-way. A control plane that was finished once is never wiped.
export KUBECONFIG=/etc/kubernetes/admin.conf
if [ ! -e "$state/control-plane" ]; then
  if [ -e /etc/kubernetes/kubelet.conf ] || [ -n "$(ls -A /etc/kubernetes/manifests 2> /dev/null)" ]; then
    if [ ! -e "$state/kubeadm" ]; then
      echo "this server already belongs to a Kubernetes cluster that is not ours (/etc/kubernetes)" >&2
      exit 65
    fi
    kubeadm reset --force --cri-socket unix:///run/containerd/containerd.sock > /dev/null
  fi
  # Folders that the kubelet and the containers of kubeadm's pods make on the server.
  own_folder /usr/lib/modules
  own_folder /usr/libexec/kubernetes/kubelet-plugins/volume/exec
  touch "$state/kubeadm"
  kubeadm init --config /etc/tandem/kubeadm.yaml --skip-token-print ${ignored:+"--ignore-preflight-errors=$ignored"} > /dev/null
  touch "$state/control-plane"
else
  systemctl restart kubelet
fi
for i in {1..240}; do
  kubectl get --raw /readyz > /dev/null 2>&1 && exit 0
  sleep 0.5
done
kubectl get --raw '/readyz?verbose' >&2
