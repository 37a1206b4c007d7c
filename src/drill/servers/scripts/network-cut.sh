# Nothing passes $interface any more, as without its cable, but the link stays: addresses and routes are not lost. RDMA does
# not go through here and goes on.
arm <<< 'nft delete table inet tandem_drill'
ready "nothing passes $interface any more; everything on it keeps running"
nft -f - << RULES
table inet tandem_drill {
  chain in { type filter hook prerouting priority -450; policy accept; iifname "$interface" drop; }
  chain out { type filter hook output priority -450; policy accept; oifname "$interface" drop; }
  chain through { type filter hook forward priority -450; policy accept; oifname "$interface" drop; }
}
RULES
