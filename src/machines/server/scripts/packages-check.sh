for program in containerd runc nft iptables conntrack ip modprobe sysctl $also; do
  command -v "$program" > /dev/null || exit 1
done
[ -x /usr/lib/cni/ptp ] || [ -x /opt/cni/bin/ptp ]
