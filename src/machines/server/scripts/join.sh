# kubeadm join, also after one that was killed half-way. Input: the JoinConfiguration, with its token.
if [ -e "$state/joined" ] && [ -s /etc/kubernetes/kubelet.conf ]; then
  systemctl restart kubelet
  exit 0
fi
if [ -e /etc/kubernetes/kubelet.conf ] || [ -e /etc/kubernetes/bootstrap-kubelet.conf ] || [ -e /etc/kubernetes/pki/ca.crt ]; then
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
config=$(mktemp /run/tandem.join.XXXXXX)
trap 'rm -f -- "$config"' EXIT
cat > "$config"
kubeadm join --config "$config" ${ignored:+"--ignore-preflight-errors=$ignored"} > /dev/null
touch "$state/joined"
