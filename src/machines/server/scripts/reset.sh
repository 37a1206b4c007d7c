# Takes back what `lib.sh` has noted under /var/lib/tandem. $part names the part; $mode is check (exit 0: nothing left
# to do) or act.
state=/var/lib/tandem
units='tandem-address tandem-network tandem-firewall kubelet'
# Nothing noted: this server was never ours, whatever runs on it.
[ -d "$state" ] || exit 0
noted() { [ ! -e "$state/$1" ] || cat "$state/$1"; }

check_services() {
  local unit
  for unit in $units; do ! systemctl is-active -q "$unit" || exit 1; done
  [ ! -e "$state/kubeadm" ] || [ -z "$(ls -A /etc/kubernetes 2> /dev/null)" ] || exit 1
}
act_services() {
  local unit
  for unit in tandem-address tandem-network kubelet; do systemctl disable -q --now "$unit" 2> /dev/null || true; done
  # kubeadm unmounts, ends the containers and empties its folders. It needs containerd and its configuration.
  if [ -e "$state/kubeadm" ]; then
    kubeadm reset --force --cleanup-tmp-dir --cri-socket unix:///run/containerd/containerd.sock > /dev/null
  fi
  rm -rf /etc/kubernetes
  systemctl disable -q --now tandem-firewall 2> /dev/null || true
}

check_kubernetes() {
  [ ! -e "$state/kubeadm" ] || { [ ! -e /var/lib/kubelet ] && [ ! -e /var/lib/etcd ] && [ ! -e /run/tandem ]; } || exit 1
}
act_kubernetes() {
  local left
  left=$(awk '$2 ~ "^/var/lib/kubelet" { print $2 }' /proc/mounts | sort -r)
  for mount in $left; do umount -- "$mount" || umount -l -- "$mount"; done
  rm -rf /var/lib/kubelet /var/lib/etcd /var/lib/etcd.restore /var/lib/etcd.before /run/tandem /var/log/pods /var/log/containers /run/kubernetes
}

check_network() {
  [ -e "$state/kubeadm" ] || return 0
  ! nft list table inet tandem > /dev/null 2>&1 || exit 1
  [ -z "$(ip -4 route show proto 184)" ] && [ ! -e /var/lib/cni ] || exit 1
  # Not in a pipe: a reader that has seen enough would make the writer fail.
  local saved
  saved=$(iptables-save 2> /dev/null; ip6tables-save 2> /dev/null) || true
  ! grep -qE '^:(KUBE|CNI)-' <<< "$saved" || exit 1
}
# The part of `iptables-save` output that takes our chains out of one table, for `iptables-restore --noflush`. Rules of
# other programs stay as they are.
without_ours() { # table, saved rules
  local lines
  lines=$(sed -n "/^\*$1\$/,/^COMMIT/p" <<< "$2")
  printf '*%s\n' "$1"
  grep -oP '^:\K(KUBE|CNI)-\S+' <<< "$lines" | sed 's/^/-F /' || true
  grep -E '^-A ' <<< "$lines" | grep -vE '^-A (KUBE|CNI)-' | grep -E -- '-(j|g) (KUBE|CNI)-' | sed 's/^-A/-D/' || true
  grep -oP '^:\K(KUBE|CNI)-\S+' <<< "$lines" | sed 's/^/-X /' || true
  printf 'COMMIT\n'
}
act_network() {
  local saved program table family link
  nft delete table inet tandem 2> /dev/null || true
  ip -4 route flush proto 184
  # Only pods' ends: the card of an emulated server is a veth as well.
  for link in $(ip -o link show type veth | grep -oP '^\d+: \Kveth[0-9a-f]+'); do ip link del "$link" 2> /dev/null || true; done
  for program in iptables ip6tables; do
    saved=$($program-save 2> /dev/null) || continue
    for table in $(grep -oP '^\*\K.*' <<< "$saved"); do without_ours "$table" "$saved"; done | $program-restore --noflush
  done
  # Chains and tables that iptables made for these rules and that now hold none.
  for family in ip ip6; do
    for link in nat:PREROUTING nat:INPUT nat:OUTPUT nat:POSTROUTING filter:INPUT filter:FORWARD filter:OUTPUT; do
      saved=$(nft list chain $family ${link%:*} ${link#*:} 2> /dev/null) || continue
      [ "$(grep -cvE '^(table|#|\s*chain)|policy accept;$|\}$' <<< "$saved")" != 0 ] || nft delete chain $family ${link%:*} ${link#*:}
    done
    for table in nat mangle filter; do
      saved=$(nft list table $family $table 2> /dev/null) || continue
      grep -q 'chain ' <<< "$saved" || nft delete table $family $table
    done
  done
  rm -rf /var/lib/cni
}

check_images() { [ ! -s "$state/images" ] || exit 1; }
act_images() {
  local reference
  if ctr version > /dev/null 2>&1; then
    ctr -n k8s.io containers list -q | while read -r id; do
      ctr -n k8s.io tasks delete --force "$id" > /dev/null 2>&1 || true
      ctr -n k8s.io containers delete "$id" > /dev/null 2>&1 || true
    done
    noted images | while read -r reference; do ctr -n k8s.io images remove --sync "$reference" > /dev/null 2>&1 || true; done
  fi
  rm -f "$state/images"
}

check_files() { [ ! -s "$state/files" ] || exit 1; }
act_files() {
  local path unit
  for unit in $units; do rm -f "/etc/systemd/system/multi-user.target.wants/$unit.service"; done
  noted files | while read -r path; do
    rm -f -- "$path" "$path.tandem" "$path.new" "$path".part.*
    if [ -e "$state/originals$path" ] || [ -L "$state/originals$path" ]; then cp -a -- "$state/originals$path" "$path"; fi
  done
  systemctl daemon-reload
  systemctl reset-failed $units 2> /dev/null || true
  # Back to the configuration it had, if it was there before us.
  ! systemctl is-active -q containerd || grep -qsx containerd "$state/packages" || systemctl restart containerd
  rm -f "$state/files"
}

check_kernel() { [ ! -s "$state/sysctls" ] || exit 1; }
act_kernel() {
  local name value
  noted sysctls | while read -r name value; do printf '%s' "$value" > "/proc/sys/${name//.//}" || true; done
  rm -f "$state/sysctls"
}

check_packages() { [ ! -s "$state/packages" ] || exit 1; }
# They are noted before they are installed: after a kill some may never have come, and apt-get may not even know them.
installed() { case $(dpkg-query -W -f '${db:Status-Status}' "$1" 2> /dev/null) in '' | not-installed) return 1 ;; esac; }
act_packages() {
  local package
  export DEBIAN_FRONTEND=noninteractive
  if grep -qx containerd "$state/packages"; then systemctl stop containerd || true; fi
  noted packages | while read -r package; do ! installed "$package" || echo "$package"; done | xargs -r apt-get purge -y -qq > /dev/null
  if grep -qx containerd "$state/packages"; then rm -rf /var/lib/containerd /run/containerd; fi
  rm -f "$state/packages"
}

check_folders() { exit 1; }
act_folders() {
  local folder
  noted folders | sort -r | while read -r folder; do
    [ "$folder" = "$state" ] || [[ $folder == "$state/"* ]] || rmdir -- "$folder" 2> /dev/null || true
  done
  rm -rf -- "$state"
  rm -f /run/tandem.lock
}

"${mode}_$part"
