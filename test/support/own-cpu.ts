import { setTimeout as delay } from "node:timers/promises";
import { stackAccess } from "../../src/cli/stack-access.ts";
import type { KubeClient } from "../../src/kube/client.ts";
import type { LiveObject } from "../../src/kube/objects.ts";
import { openRemote, type Remote } from "../../src/machines/server/remote.ts";
import { targetsOf } from "../../src/machines/server/targets.ts";

/** What Tandem runs besides the engines; emulated GPUs and engines stand for hardware and for SGLang. */
export const PARTS = /^(agent|gateway|reconciler)-/;

// Prints the CPU time so far, in ms: of pods by the processes of their cgroup (v1 or v2, either driver) that live on, so that
// an emulated nvidia-smi, which ends at once and stands for the real one, is not in it; of units by their processes and the
// children that they have waited for.
const SPENT = `
total=0
own() { # fields of /proc/PID/stat after the name that are added up
  sed 's/.*) //' "/proc/$1/stat" 2> /dev/null | awk -v last="$2" '{ for (i = 12; i <= last; i++) sum += $i } END { print sum + 0 }'
}
for uid in $uids; do
  pids=$(find /sys/fs/cgroup \\( -path "*pod$uid*/cgroup.procs" -o -path "*pod\${uid//-/_}*/cgroup.procs" \\) -exec cat {} + | sort -u)
  for pid in $pids; do total=$((total + $(own "$pid" 13) * 1000 / $(getconf CLK_TCK))); done
done
for unit in tandem-network tandem-address; do
  group=$(systemctl show -p ControlGroup --value $unit)
  [ -n "$group" ] || continue
  for folder in /sys/fs/cgroup/systemd /sys/fs/cgroup; do
    [ -e "$folder$group/cgroup.procs" ] || continue
    for pid in $(cat "$folder$group/cgroup.procs"); do
      total=$((total + $(own "$pid" 15) * 1000 / $(getconf CLK_TCK)))
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
