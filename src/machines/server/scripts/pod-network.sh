#!/bin/bash
# The pod network of one server: follows the Kubernetes nodes and keeps, for each of the others, a route to its pods and
# its address in the firewall's set of the stack's servers. No server has to be told when another one joins or leaves.
# What was last seen is kept in a file: after a boot, or while the API server is away, the network stands as it was.
set -uo pipefail
. /etc/tandem/network.env # NODE_NAME, NODE_ADDRESS, POD_CIDR, API_ADDRESS
export KUBECONFIG=/etc/kubernetes/kubelet.conf HOME=/run/tandem LC_ALL=C
cache=/var/lib/tandem/network/nodes
cni=/etc/cni/net.d/10-tandem.conflist
# Marks our routes among others; any number without a name in iproute2 will do.
protocol=184
declare -A pods=() addresses=()

log() { printf '%s\n' "$*"; }

remember() { # name address pod-cidr
  [[ $2 =~ ^[0-9.]+$ ]] || return
  addresses[$1]=$2
  if [[ ${3:-} =~ ^[0-9./]+$ ]]; then pods[$1]=$3; else unset "pods[$1]"; fi
}

forget() { unset "pods[$1]" "addresses[$1]"; }

# The whole wanted state, as text, from the two tables.
snapshot() {
  local name
  for name in "${!addresses[@]}"; do printf '%s %s %s\n' "$name" "${addresses[$name]}" "${pods[$name]:-}"; done | sort
}

write_cni() { # pod-cidr: containerd and kubelet wait for this file
  local text
  text='{"cniVersion":"1.0.0","name":"tandem","plugins":[
{"type":"ptp","mtu":1500,"ipam":{"type":"host-local","ranges":[[{"subnet":"'$1'"}]],"routes":[{"dst":"0.0.0.0/0"}],"dataDir":"/run/tandem/ipam"}},
{"type":"portmap","capabilities":{"portMappings":true},"snat":true}]}'
  [ "$text" = "$(cat "$cni" 2> /dev/null)" ] && return
  mkdir -p "${cni%/*}"
  printf '%s\n' "$text" > "$cni.new" && mv -f "$cni.new" "$cni"
  log "pod addresses of this server: $1"
}

# Makes kernel and files agree with the tables. Cheap enough to run at every event.
apply() {
  local name have want elements text
  text=$(snapshot)
  want=$(for name in "${!pods[@]}"; do
    [ "$name" = "$NODE_NAME" ] || printf '%s via %s\n' "${pods[$name]}" "${addresses[$name]}"
  done | sort)
  have=$(ip -4 route show proto $protocol | awk '{ print $1, $2, $3 }' | sort)
  # Removed before added: a new server may have been given the pod network of one that is gone.
  comm -13 <(printf '%s' "$want") <(printf '%s' "$have") | while read -r cidr _; do ip route del "$cidr" proto $protocol; done
  comm -23 <(printf '%s\n' "$want") <(printf '%s\n' "$have") | while read -r cidr _ via; do
    [ -z "$cidr" ] || ip route replace "$cidr" via "$via" proto $protocol && log "route to $cidr via $via"
  done
  elements=$(printf '%s\n' "${addresses[@]}" "$API_ADDRESS" "$NODE_ADDRESS" | sort -u | sed '/^$/d' | paste -sd,)
  if [ "$elements" != "${firewalled:-}" ]; then
    nft -f - <<< "flush set inet tandem nodes
add element inet tandem nodes { $elements }" && firewalled=$elements
  fi
  [ -z "${pods[$NODE_NAME]:-}" ] || write_cni "${pods[$NODE_NAME]}"
  if [ "$text" != "$(cat "$cache" 2> /dev/null)" ]; then
    mkdir -p "${cache%/*}"
    printf '%s\n' "$text" > "$cache.new" && mv -f "$cache.new" "$cache"
  fi
}

# One line per event. A whole list first, so that nodes that went while we were not looking are forgotten.
fields='{{.metadata.name}} {{range .status.addresses}}{{if eq .type "InternalIP"}}{{.address}}{{end}}{{end}} {{if .spec.podCIDR}}{{.spec.podCIDR}}{{end}}{{"\n"}}'
watch_nodes() {
  local list
  while :; do
    if list=$(kubectl get nodes --request-timeout=10s -o go-template="{{range .items}}$fields{{end}}"); then
      printf 'LIST\n'
      sed 's/^/ITEM /' <<< "$list"
      printf 'END\n'
      # Ends by itself after ten minutes and begins with a fresh list: a watch that fell silent cannot last.
      kubectl get nodes --watch --output-watch-events --request-timeout=600s \
        -o go-template="{{.type}} {{with .object}}$fields{{end}}"
    fi
    sleep 1
  done
}

# A card that went and came back has lost its routes; the kernel says when.
watch_links() {
  ip -o monitor address link | while read -r line; do [[ $line == *veth* ]] || printf 'LINK\n'; done
}

mkdir -p "$HOME"
if [ -r "$cache" ]; then while read -r name address cidr; do remember "$name" "$address" "$cidr"; done < "$cache"; fi
apply
while read -r event name address cidr; do
  case $event in
    LIST) pods=() addresses=() ;;
    ITEM) remember "$name" "$address" "$cidr" ;;
    ADDED | MODIFIED)
      [ "${addresses[$name]:-} ${pods[$name]:-}" = "$address $cidr" ] && continue
      remember "$name" "$address" "$cidr"
      apply
      ;;
    DELETED) forget "$name" && apply ;;
    LINK | END) apply ;;
  esac
done < <(watch_nodes & watch_links & wait)
