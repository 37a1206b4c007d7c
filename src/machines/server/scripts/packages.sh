# Installs what is missing of the programs a node needs, and notes the packages that came with it.
export DEBIAN_FRONTEND=noninteractive
missing=()
need() { command -v "$1" > /dev/null || missing+=("$2"); }
need containerd containerd
need runc runc
need nft nftables
need iptables iptables
need conntrack conntrack
need ip iproute2
need modprobe kmod
need sysctl procps
# Programs whose package has the same name, for this server's part in the stack.
for program in $also; do need "$program" "$program"; done
[ -x /usr/lib/cni/ptp ] || [ -x /opt/cni/bin/ptp ] || missing+=(containernetworking-plugins)
if ! command -v apt-get > /dev/null; then
  echo "missing: ${missing[*]}, and there is no apt-get to install them with" >&2
  exit 69
fi
own_folder "$state"
before=$(dpkg-query -W -f '${db:Status-Abbrev} ${Package}\n' | awk '$1 ~ /^ii/ { print $2 }' | sort)
# A run that was killed may have left a half-configured package.
dpkg --configure -a > /dev/null
[ -z "$(find /var/lib/apt/lists -maxdepth 1 -name '*Packages*' -mmin -60 -print -quit)" ] && apt-get update -qq
# A service that starts by itself with Debian's settings would be there before ours.
apt-get install -y -qq --no-install-recommends "${missing[@]}" > /dev/null
after=$(dpkg-query -W -f '${db:Status-Abbrev} ${Package}\n' | awk '$1 ~ /^ii/ { print $2 }' | sort)
comm -13 <(echo "$before") <(echo "$after") >> "$state/packages"
