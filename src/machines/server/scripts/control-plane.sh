# kubeadm init, also after one that failed or was killed half-way. A control plane that was finished once is never wiped.
export KUBECONFIG=/etc/kubernetes/admin.conf

# Everything that an init has made which was never finished, its etcd included: kubeadm takes up keys, certificates and
# data that it finds, and a half of either fails every later init. Logs go, so that the next words are of the next try.
forget_unfinished() {
  [ ! -e "$state/control-plane" ] || { echo "a finished control plane is never taken apart here" >&2; exit 70; }
  # Without it kubeadm asks nobody what to remove: the API server is away, and its etcd has no other member to tell.
  rm -f /etc/kubernetes/admin.conf
  kubeadm reset --force --cri-socket unix:///run/containerd/containerd.sock > /dev/null 2> /run/tandem.kubeadm ||
    { cat /run/tandem.kubeadm >&2; exit 74; }
  rm -rf /etc/kubernetes/pki /etc/kubernetes/manifests /etc/kubernetes/*.conf
  # Its data alone: the folder may be a disk of its own.
  [ ! -d /var/lib/etcd ] || find /var/lib/etcd -mindepth 1 -delete
  rm -rf /var/log/pods/kube-system_{etcd,kube-apiserver}-*
}

init() {
  if kubeadm init --config /etc/tandem/kubeadm.yaml --skip-token-print ${ignored:+"--ignore-preflight-errors=$ignored"} \
    > /dev/null 2> /run/tandem.kubeadm; then
    # Found by every later run, also after a power cut: without it the next one would take an empty cluster for the job.
    touch "$state/control-plane"
    sync "$state/control-plane" "$state"
  else
    return 1
  fi
}

last_words() { # component
  local log lines words is='does not run'
  log=$(ls -t /var/log/pods/kube-system_"$1"-*/"$1"/*.log 2> /dev/null | head -n 1) || true
  [ -n "$log" ] || { echo "$1 was never started"; return; }
  ! pgrep -x "$1" > /dev/null || is=runs
  log=$(readlink -f "$log")
  # "3.log" is of the fourth start.
  echo "$1 $is, started $((10#$(basename "$log" .log) + 1)) times, its last words:"
  lines=$(tail -n 100 "$log" | cut -d' ' -f4- | cut -c 1-300)
  # A program that ends with a stack has said why above it.
  words=$(grep -E '"level":"(error|fatal|panic)"|^(panic|Error)|^[EF][0-9]{4} ' <<< "$lines" | tail -n 2) || words=$(tail -n 2 <<< "$lines")
  sed 's/^/  /' <<< "$words"
}

# kubeadm only says that nobody answers: why, the kubelet and the two programs know that everything else waits for.
explain() {
  # After its warnings.
  { grep -A 3 '^error' /run/tandem.kubeadm || tail -n 4 /run/tandem.kubeadm; } | { grep -vE '^To see the stack|^\s*$' || true; } | cut -c 1-500
  [ -e /etc/kubernetes/manifests/kube-apiserver.yaml ] || return 0
  echo "the kubelet is $(systemctl is-active kubelet || true), its last errors:"
  journalctl -u kubelet -n 300 -o cat --no-pager | { grep -E '^[EF][0-9]{4} ' || true; } | tail -n 2 | cut -c 1-300 | sed 's/^/  /'
  last_words etcd
  last_words kube-apiserver
}

if [ ! -e "$state/control-plane" ]; then
  if [ -e "$state/kubeadm" ]; then
    forget_unfinished
  elif [ -e /etc/kubernetes/kubelet.conf ] || [ -n "$(ls -A /etc/kubernetes/manifests 2> /dev/null)" ]; then
    echo "this server already belongs to a Kubernetes cluster that is not ours (/etc/kubernetes)" >&2
    exit 65
  fi
  # Folders that the kubelet and the containers of kubeadm's pods make on the server.
  own_folder /usr/lib/modules
  own_folder /usr/libexec/kubernetes/kubelet-plugins/volume/exec
  touch "$state/kubeadm"
  if ! init; then
    # Before it has written the pods it only looks: a second look would see the same.
    if [ -e /etc/kubernetes/manifests/kube-apiserver.yaml ]; then
      forget_unfinished
      again=' (the second of two tries)'
      ! init || again=
    else
      again=' (it had started nothing)'
    fi
    if [ -n "$again" ]; then
      echo "kubeadm init failed$again:" >&2
      explain >&2
      exit 1
    fi
  fi
  rm -f /run/tandem.kubeadm
else
  systemctl restart kubelet
fi
for i in {1..240}; do
  kubectl get --raw /readyz > /dev/null 2>&1 && exit 0
  sleep 0.5
done
kubectl get --raw '/readyz?verbose' >&2
