# Installs what is missing of the programs a node needs, and notes the packages that come with it before they do.
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
# A run that was killed may have left a half-configured package.
dpkg --configure -a > /dev/null
[ -z "$(find /var/lib/apt/lists -maxdepth 1 -name '*Packages*' -mmin -60 -print -quit)" ] && apt-get update -qq
# What would be new: of a package that is only brought up to date the present version comes in brackets.
new=$(apt-get -s install --no-install-recommends "${missing[@]}" | awk '$1 == "Inst" && $3 !~ /^\[/ { print $2 }')
for package in $new; do
  grep -qsxF -- "$package" "$state/packages" || printf '%s\n' "$package" >> "$state/packages"
done
apt-get install -y -qq --no-install-recommends "${missing[@]}" > /dev/null
