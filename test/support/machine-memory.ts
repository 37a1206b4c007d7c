import { z } from "zod";
import type { Engine } from "../../src/machines/local/engine.ts";
import { machineStats } from "./machine-stats.ts";

const Stats = z.object({
  memory_stats: z.object({
    usage: z.number(),
    // cgroup v1 and v2 name it differently.
    stats: z.object({ total_inactive_file: z.number().optional(), inactive_file: z.number().optional() }),
  }),
});

/** What all machines of a stack hold, in MiB, as `docker stats` counts: by cgroup, without files that could be dropped. */
export async function machineMemoryMiB(engine: Engine, stack: string): Promise<number> {
  const stats = await machineStats(engine, stack, Stats);
  const each = stats.map(({ memory_stats: { usage, stats } }) => {
    return (usage - (stats.total_inactive_file ?? stats.inactive_file ?? 0)) / 2 ** 20;
  });
  return each.reduce((sum, one) => sum + one, 0);
}
