#!/bin/sh
# Stands in for df -P -k on an emulated GPU server, whose disk is that of the computer it is emulated on: prints what the real
# df does, except for paths with a planted value in disks.tsv: "PATH<TAB>FREE-KIB" a line, later lines win, path * is all.
faults=${TANDEM_DISK_FAULTS:-/run/tandem/disks.tsv}
for real in /bin/df /usr/bin/df; do
  [ -x "$real" ] && [ "$real" != "$0" ] && break
done
for path in "$@"; do :; done
planted=
[ -f "$faults" ] && planted=$(awk -F'\t' -v path="$path" '$1 == path || $1 == "*" {v = $2} END {print v}' "$faults")
[ -n "$planted" ] || exec "$real" "$@"
echo "Filesystem 1024-blocks Used Available Capacity Mounted on"
echo "/dev/nvme0n1p2 3750738264 $((3750738264 - planted)) $planted $(((3750738264 - planted) * 100 / 3750738264))% $path"
