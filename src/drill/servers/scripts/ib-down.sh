# Takes the port of a RoCE card down. $devices: cards, one of which is drawn by $chance; all that there are if empty.
# $interface: with the server's address, which is left alone.
read -ra cards <<< "$devices"
[ ${#cards[@]} -gt 0 ] || cards=($(ls /sys/class/infiniband 2> /dev/null || true))
[ ${#cards[@]} -gt 0 ] || fail "there is no card in /sys/class/infiniband"
card=${cards[chance % ${#cards[@]}]}
layer=$(cat "/sys/class/infiniband/$card/ports/1/link_layer")
[ "$layer" = Ethernet ] || fail "port $card/1 is $layer: a host cannot take its own InfiniBand port down; do it at the switch, with \`ibportstate LID PORT disable\` there"
link=$(ls "/sys/class/infiniband/$card/device/net" | head -n 1)
[ -n "$link" ] || fail "$card has no network interface"
way=$(ip -4 -o route show default | grep -oP 'dev \K\S+' | head -n 1) || true
[ "$link" != "$interface" ] && [ "$link" != "$way" ] || fail "$link is also the way to this server"
# A link that goes down takes its static routes along.
routes=$(ip -4 route show dev "$link" | grep -v 'proto kernel' || true)
arm << UNDO
ip link set dev $link up
while read -r route; do [ -z "\$route" ] || ip route replace \$route dev $link; done <<< '$routes'
UNDO
ready "port $card/1 went down"
ip link set dev "$link" down
