import { z } from "zod";
import type { Engine } from "../../src/machines/local/engine.ts";
import { listMachines } from "../../src/machines/local/machine.ts";

const Stats = z.object({
  memory_stats: z.object({
    usage: z.number(),
    // cgroup v1 and v2 name it differently.
    stats: z.object({ total_inactive_file: z.number().optional(), inactive_file: z.number().optional() }),
  }),
});

/** What all machines of a stack hold, in MiB, as `docker stats` counts: by cgroup, without files that could be dropped. */
export async function machineMemoryMiB(engine: Engine, stack: string): Promise<number> {
  const machines = await listMachines(engine, stack);
  const each = await Promise.all(
    machines.map(async ({ container }) => {
      const query = { stream: "false", "one-shot": "true" };
      const { memory_stats } = Stats.parse(await engine.api.call("GET", `/containers/${container}/stats`, { query }));
      const { total_inactive_file, inactive_file } = memory_stats.stats;
      return (memory_stats.usage - (total_inactive_file ?? inactive_file ?? 0)) / 2 ** 20;
    }),
  );
  return each.reduce((sum, one) => sum + one, 0);
}
