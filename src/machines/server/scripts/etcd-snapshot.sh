# Leaves a snapshot at $work/snapshot and prints its SHA-256, bytes and etcd's own status.
mkdir -p -m 0700 "$work"
rm -f "$work"/snapshot*
etcdctl snapshot save "$work/snapshot" > /dev/null 2>&1 || etcdctl snapshot save "$work/snapshot" > /dev/null
sha256sum < "$work/snapshot" | cut -c 1-64
stat -c %s "$work/snapshot"
"$etcdutl" snapshot status "$work/snapshot" --write-out json
