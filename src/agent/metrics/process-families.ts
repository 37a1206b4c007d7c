import type { Family } from "./exposition.ts";

const startedSeconds = Date.now() / 1_000 - process.uptime();

/** What every exporter tells of itself, under the names that Prometheus' own libraries use. */
export function processFamilies(): Family[] {
  const { user, system } = process.cpuUsage();
  const one = (name: string, type: Family["type"], help: string, value: number): Family => ({
    name: `process_${name}`,
    type,
    help,
    series: [{ value }],
  });
  return [
    one("cpu_seconds_total", "counter", "CPU time of the agent.", (user + system) / 1e6),
    one("resident_memory_bytes", "gauge", "Resident memory of the agent.", process.memoryUsage.rss()),
    one("start_time_seconds", "gauge", "When the agent started, since the epoch.", startedSeconds),
  ];
}
