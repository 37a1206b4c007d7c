# Input: `name least` lines of sysctls. More than that is somebody's choice and stays; an older kernel may lack one.
grep -qw overlay /proc/filesystems || exit 1
[ -e /proc/sys/net/netfilter/nf_conntrack_max ] || exit 1
while read -r name least; do
  [ -e "/proc/sys/${name//.//}" ] || continue
  [ "$(cat "/proc/sys/${name//.//}")" -ge "$least" ] || exit 1
done
