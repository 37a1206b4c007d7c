import { setTimeout as delay } from "node:timers/promises";
import { stackAccess } from "../../src/cli/stack-access.ts";
import type { KubeClient } from "../../src/kube/client.ts";
import type { LiveObject } from "../../src/kube/objects.ts";
import { openRemote, type Remote } from "../../src/machines/server/remote.ts";
import { targetsOf } from "../../src/machines/server/targets.ts";

/** What Tandem runs besides the engines; emulated GPUs and engines stand for hardware and for SGLang. */
const PARTS = /^(agent|gateway|reconciler)-/;

// Prints the CPU time so far, in ms: of pods by their cgroup (v1 or v2, either driver), of units by their processes and
// the children that they have waited for.
const SPENT = `
total=0
for uid in $uids; do
  for file in $(find /sys/fs/cgroup -type f \\( -path "*cpuacct*pod$uid*/cpuacct.usage" -o -path "*cpuacct*pod\${uid//-/_}*/cpuacct.usage" -o -path "*pod$uid*/cpu.stat" -o -path "*pod\${uid//-/_}*/cpu.stat" \\) | awk '{ print length($0), $0 }' | sort -n | cut -d' ' -f2-); do
    case $file in
      */cpuacct.usage) spent=$(($(cat "$file") / 1000000)) ;;
      *) spent=$(awk '/^usage_usec/ { print int($2 / 1000) }' "$file"); [ -n "$spent" ] || continue ;;
    esac
    # The shortest path is the pod's own cgroup, which counts its containers.
    total=$((total + spent))
    break
  done
done
for unit in tandem-network tandem-address; do
  group=$(systemctl show -p ControlGroup --value $unit)
  [ -n "$group" ] || continue
  for folder in /sys/fs/cgroup/systemd /sys/fs/cgroup; do
    [ -e "$folder$group/cgroup.procs" ] || continue
    for pid in $(cat "$folder$group/cgroup.procs"); do
      ticks=$(sed 's/.*) //' "/proc/$pid/stat" 2> /dev/null | awk '{ print $12 + $13 + $14 + $15 }')
      total=$((total + \${ticks:-0} * 1000 / $(getconf CLK_TCK)))
    done
    break
  done
done
echo $total`;

/** Share of one core, in percent, that agents, gateways, reconciler and our services on the servers take while nothing happens. */
export async function idleCpuPercent(stack: string, client: KubeClient, seconds = 60): Promise<number> {
  const { plan, record } = await stackAccess(stack);
  const pods = await client.json<{ items: LiveObject[] }>({
    method: "GET",
    path: `/api/v1/namespaces/${record.namespace}/pods`,
  });
  const own = pods.items.filter(({ metadata }) => PARTS.test(metadata.name));
  if (own.length === 0) throw new Error(`stack ${stack} runs none of our parts`);
  const remotes = targetsOf(plan.spec, record.spec).map(({ target }) => openRemote(target));
  const spent = async (remote: Remote) => {
    const here = own.filter(({ spec }) => (spec as { nodeName?: string }).nodeName === remote.target.name);
    const values = { uids: here.map(({ metadata }) => metadata.uid ?? "").join(" ") };
    return Number(await remote.run(SPENT, { values }));
  };
  const total = async () => (await Promise.all(remotes.map(spent))).reduce((sum, ms) => sum + ms, 0);
  try {
    const began = performance.now();
    const before = await total();
    await delay(seconds * 1000);
    return (((await total()) - before) / (performance.now() - began)) * 100;
  } finally {
    await Promise.all(remotes.map((remote) => remote.close()));
  }
}
