# Puts the snapshot at $work/snapshot in the place of what etcd holds. Whatever happens, the static pods come back: with
# the old data before the swap, with the new data after it.
manifests=/etc/kubernetes/manifests
aside=$work/manifests
put_back() {
  [ ! -d "$aside" ] || { mv -f -- "$aside"/*.yaml "$manifests"/ 2> /dev/null || true; rmdir -- "$aside" 2> /dev/null || true; }
  rm -rf -- "$data.restore"
  release_tools
}
argument() { sed -n "s/^ *- --$1=//p" "$manifest" | head -n 1; }
name=$(argument name) peer=$(argument initial-advertise-peer-urls) data=$(argument data-dir)
fresh=$data.restore
trap put_back EXIT
rm -rf -- "$fresh"
# Revisions jump ahead, so that no watch of the time before the restore takes the new history for its own.
"$etcdutl" snapshot restore "$work/snapshot" --data-dir "$fresh" --name "$name" \
  --initial-cluster "$name=$peer" --initial-advertise-peer-urls "$peer" \
  --bump-revision 1000000000 --mark-compacted > /dev/null 2> "$work/log" || { tail -n 3 "$work/log" >&2; exit 65; }
chmod 0700 "$fresh"
mkdir -p -m 0700 "$aside"
for pod in kube-apiserver kube-controller-manager kube-scheduler etcd; do
  [ ! -e "$manifests/$pod.yaml" ] || mv -- "$manifests/$pod.yaml" "$aside/"
done
for i in {1..300}; do
  [ -n "$(ss -Hltn 'sport = :2379 or sport = :6443')" ] || break
  if [ "$i" = 300 ]; then echo "etcd and the API server did not stop within 60 s" >&2; exit 75; fi
  sleep 0.2
done
rm -rf -- "$data.before"
mv -- "$data" "$data.before"
mv -- "$fresh" "$data"
put_back
trap - EXIT
for i in {1..240}; do
  if kubectl --kubeconfig /etc/kubernetes/admin.conf get --raw /readyz > /dev/null 2>&1; then
    rm -rf -- "$data.before" "$work"
    exit 0
  fi
  sleep 0.5
done
echo "the API server does not come up on the restored data; the old data are in $data.before" >&2
exit 1
