# Input: `name value` lines of sysctls.
grep -qw overlay /proc/filesystems || exit 1
[ -e /proc/sys/net/netfilter/nf_conntrack_max ] || exit 1
while read -r name value; do
  [ "$(cat "/proc/sys/${name//.//}")" = "$value" ] || exit 1
done
