import type { Range } from "../performance/range.ts";
import { GPUS_PER_SERVER, type Standby } from "../size/ask.ts";
import type { PriceBook } from "./prices.ts";

export const STANDBYS: readonly Standby[] = ["none", "degraded", "spare", "hot"];

/** What faults cost in a year with one kind of standby. */
export interface OutageRow {
  standby: Standby;
  faultsPerYear: number;
  minutesPerYear: Range;
}

const DAYS_PER_YEAR = 365;

/**
 * Expected minutes without service. Only the servers that serve count: a standby that dies ends nothing. A group of one
 * server has no survivor to serve degraded.
 */
export function outages({ outages }: PriceBook, servingServers: number): OutageRow[] {
  const faultsPerYear = (servingServers * GPUS_PER_SERVER * DAYS_PER_YEAR) / outages.gpuDaysPerFault;
  return STANDBYS.filter((standby) => standby !== "degraded" || servingServers > 1).map((standby) => {
    const { low, high } = outages.minutes[standby];
    return { standby, faultsPerYear, minutesPerYear: { low: faultsPerYear * low, high: faultsPerYear * high } };
  });
}
