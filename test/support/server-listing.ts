import type { Remote } from "../../src/machines/server/remote.ts";

// What a server is made of, as text to compare: files with kind, mode and target, mounts, routes, firewall, units,
// images, containers, sysctls and programs. Left out is what lives: logs, /run, containerd's own store.
const LISTING = `
find / -xdev \\( -path /proc -o -path /sys -o -path /tmp -o -path /run -o -path /var/log -o -path /var/cache -o -path '/var/lib/containerd/*' -o -path '/opt/baked/*' \\) -prune -o -printf 'file %y %m %p %l\\n' | sort
find /var/lib /var/log -xdev -maxdepth 1 | sort
ls /run | { grep -vE '^(netns|xtables.lock)$' || true; } | sed 's/^/run /'
awk '{ print "mount", $2 }' /proc/mounts | sort
ip route
ip -o link | awk -F': ' '{ print "link", $2 }'
nft list ruleset | { grep -vE '^#|counter' || true; } | tr -d '\\n' | sed 's/}/}\\n/g' | sort
systemctl list-unit-files --no-pager --no-legend | awk '{ print "unit", $1, $2 }'
systemctl list-units --all --no-legend --no-pager | awk '{ print $1, $2, $3, $4 }' | grep -vE 'session|network-(online|pre).target' | sort
ctr -n k8s.io images list | awk '{ print "image", $1, $3 }'
ctr -n k8s.io containers list -q
ctr -n k8s.io snapshots list | awk '{ print "snapshot", $1 }' | sort
sysctl -a 2> /dev/null | grep -E 'ip_forward |inotify|tcp_migrate_req'
cat /etc/containerd/config.toml
ps -eo comm --no-headers | grep -E 'kube|etcd|coredns|pause|pod-network' || true`;

/** Everything on a server that a reset must bring back to what it was. */
export async function listServer(remote: Remote): Promise<string[]> {
  return (await remote.run(LISTING, { step: "list the server" })).split("\n");
}

/** Files under the folders where configuration and programs lie that changed after `marker` was made. */
export async function changedSince(remote: Remote, marker: string): Promise<string[]> {
  const text = await remote.run(
    'find /etc /opt /usr /root /var/lib/tandem /var/lib/kubelet/config.yaml /var/lib/kubelet/kubeadm-flags.env -xdev -newer "$marker" -not -path "/opt/baked/*"',
    { values: { marker } },
  );
  return text.split("\n").filter((line) => line !== "");
}
