# Gives $etcdctl and $etcdutl, out of the image of the etcd that runs here: the versions agree, and nothing is installed.
manifest=/etc/kubernetes/manifests/etcd.yaml
work=/var/lib/tandem/etcd
[ -e "$manifest" ] || manifest=$work/manifests/etcd.yaml
if [ ! -e "$manifest" ]; then echo "no etcd runs on this server" >&2; exit 66; fi
image=$(sed -n 's/^ *image: *//p' "$manifest" | head -n 1)
tools=$(mktemp -d /run/tandem.etcd.XXXXXX)
release_tools() { umount -- "$tools" 2> /dev/null || true; ctr -n k8s.io snapshots remove "$tools" > /dev/null 2>&1 || true; rmdir -- "$tools"; }
trap release_tools EXIT
ctr -n k8s.io images mount "$image" "$tools" > /dev/null
etcdutl=$tools/usr/local/bin/etcdutl
pki=/etc/kubernetes/pki/etcd
etcdctl() {
  "$tools/usr/local/bin/etcdctl" --endpoints https://127.0.0.1:2379 --cacert $pki/ca.crt \
    --cert $pki/healthcheck-client.crt --key $pki/healthcheck-client.key "$@"
}
