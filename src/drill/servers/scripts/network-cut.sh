# Nothing passes $interface any more in either direction, not even what says who has the gateway's address: a server that hears
# no other replica takes it for itself. The link stays, so that no address and no route is lost. RDMA does not go through here.
rules=$(cat << RULES
table netdev tandem_drill {
  chain in { type filter hook ingress device "$interface" priority -450; policy drop; }
  chain out { type filter hook egress device "$interface" priority -450; policy drop; }
}
RULES
)
nft --check -f - <<< "$rules" || fail "nftables here cannot stop what leaves $interface: that needs Linux 5.16"
arm <<< 'nft delete table netdev tandem_drill'
ready "nothing passes $interface any more; everything on it keeps running"
nft -f - <<< "$rules"
