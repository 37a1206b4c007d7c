# Looks at a server and changes nothing. Prints `key<TAB>value` lines; a key may come several times.
# Values: ports (blank separated), peers (addresses), paths (folders whose file system matters), own_address.
say() { printf '%s\t%s\n' "$1" "$2"; }
# The file system of a folder that may not exist yet.
existing() { local at=$1; while [ ! -e "$at" ]; do at=$(dirname -- "$at"); done; printf '%s' "$at"; }

(. /etc/os-release; say os "$ID $VERSION_ID"; say os-name "$PRETTY_NAME")
say arch "$(uname -m)"
say kernel "$(uname -r)"
say cpus "$(nproc)"
say memory-kib "$(awk '/^MemTotal:/ { print $2 }' /proc/meminfo)"
if [ -d /run/systemd/system ]; then say init systemd; else say init "$(cat /proc/1/comm)"; fi
say container "$(systemd-detect-virt --container 2> /dev/null || true)"
case $(stat -fc %T /sys/fs/cgroup) in cgroup2fs) say cgroup 2 ;; *) say cgroup 1 ;; esac
tail -n +2 /proc/swaps | while read -r name _; do say swap "$name"; done
say clock-synced "$(timedatectl show -p NTPSynchronized --value 2> /dev/null || true)"
for path in $paths; do
  say disk "$path $(df -PB1 -- "$(existing "$path")" | awk 'NR == 2 { print $4, $2, $1 }')"
done
# Small images lack it; what only it can tell is then left out, and that said.
network=yes
for program in ip ss; do command -v "$program" > /dev/null || network=''; done
[ -n "$network" ] || { say missing iproute2 && ports='' peers=''; }
for port in $ports; do
  line=$(ss -Hltnp "sport = :$port" | head -n 1)
  [ -z "$line" ] || say port "$port $(grep -oP 'users:\(\("\K[^"]+' <<< "$line" || echo unknown)"
done
if command -v nvidia-smi > /dev/null; then
  if gpus=$(timeout 30 nvidia-smi --query-gpu=index,name,driver_version,memory.total --format=csv,noheader,nounits 2>&1); then
    while read -r line; do [ -z "$line" ] || say gpu "$line"; done <<< "$gpus"
  else
    say gpu-error "$(head -n 1 <<< "$gpus")"
  fi
else
  say gpu-error "nvidia-smi is not installed"
fi
for device in /sys/class/infiniband/*; do
  [ -e "$device" ] || continue
  for port in "$device"/ports/*; do
    say rdma "${device##*/} ${port##*/} $(cut -d: -f1 "$port/state") $(cat "$port/link_layer" 2> /dev/null || echo unknown) $(cat "$port/rate" 2> /dev/null || echo unknown)"
  done
done
for module in overlay nf_conntrack nf_tables; do
  case $module in
    overlay) grep -qw overlay /proc/filesystems && continue ;;
    nf_conntrack) [ -e /proc/sys/net/netfilter/nf_conntrack_max ] && continue ;;
    nf_tables) { ! command -v nft > /dev/null || nft list tables > /dev/null 2>&1; } && continue ;;
  esac
  modprobe -n "$module" 2> /dev/null || say no-module "$module"
done
[ ! -e /var/lib/tandem/kubeadm ] || say ours yes
if [ -e /etc/kubernetes/kubelet.conf ] || [ -n "$(ls -A /etc/kubernetes/manifests 2> /dev/null)" ]; then say kubernetes /etc/kubernetes; fi
# One that we installed starts again each second until the server has joined, and counts as active in between.
ours_unit() { grep -qsxF "/etc/systemd/system/$1.service" /var/lib/tandem/files; }
for unit in k3s k3s-agent rke2-server rke2-agent snap.microk8s.daemon-kubelite kubelet ufw firewalld; do
  ! systemctl is-active -q "$unit" 2> /dev/null || ours_unit "$unit" || say unit "$unit"
done
for file in /etc/cni/net.d/*; do [ ! -e "$file" ] || say cni "$file"; done
[ -z "$network" ] || ip -o -4 addr show | while read -r _ device _ address _; do say address "${address%/*} $device"; done
for peer in $peers; do
  [ "$peer" != "$own_address" ] || continue
  case $(ip -4 route get "$peer" 2> /dev/null) in
    '') say peer "$peer none" && continue ;;
    *" via "*) say peer "$peer routed" && continue ;;
  esac
  # Any packet makes the kernel ask for the neighbour's hardware address; whether the port answers does not matter.
  timeout 1 bash -c "exec 3<> /dev/tcp/$peer/22" 2> /dev/null || true
  case $(ip neigh show to "$peer") in
    *lladdr*) say peer "$peer neighbour" ;;
    *) say peer "$peer silent" ;;
  esac
done
for program in apt-get nvidia-container-runtime; do ! command -v "$program" > /dev/null || say program "$program"; done
for program in containerd runc nft iptables conntrack; do command -v "$program" > /dev/null || say missing "$program"; done
