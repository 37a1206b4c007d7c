import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { load, quantile } from "../gateway/load.ts";
import { KEY, startSetup } from "../gateway/processes.ts";
import { CONTENDERS, type Contender } from "./contenders.ts";
import type { Programs } from "./programs.ts";
import { ProxyProcess } from "./proxy-process.ts";

export const COST = { streams: 100, everyMs: 100, tokens: 100, overMs: 1_000 } as const;
/** Sent first, so that code is compiled and buffers are there, as in a proxy that has run for a while. */
const WARM_UP = { streams: 300, tokens: 25 };
const US_PER_TICK = 10_000;
const KIB_PER_PAGE = 4;

/** What streaming costs a proxy when nothing fails. */
export interface Cost {
  id: string;
  /** Processor time, user and system, of all its processes. */
  usPerToken: number;
  rssMiB: number;
  /** From the engine's write to the client's read. */
  p50Ms: number;
  p99Ms: number;
}

/** The same streams through each proxy, one after the other; the first row is the engine without any. */
export async function measureCosts(programs: Programs, tell: (cost: Cost) => void): Promise<Cost[]> {
  const folder = mkdtempSync(join(tmpdir(), "tandem-comparison-"));
  const setup = await startSetup(COST.everyMs);
  const costs: Cost[] = [];
  const measure = async (id: string, url: string, usage: () => Usage) => {
    await load(url, KEY, WARM_UP.streams, WARM_UP.tokens, COST.overMs);
    const before = usage();
    const { latenciesMs, short } = await load(url, KEY, COST.streams, COST.tokens, COST.overMs);
    const after = usage();
    if (short > 0) throw new Error(`${short} streams through ${id} brought too few tokens`);
    const cost = {
      id,
      usPerToken: (after.cpuUs - before.cpuUs) / latenciesMs.length,
      rssMiB: after.rssMiB,
      p50Ms: quantile(latenciesMs, 0.5),
      p99Ms: quantile(latenciesMs, 0.99),
    };
    costs.push(cost);
    tell(cost);
  };
  try {
    await measure("direct", setup.engineUrl, () => ({ cpuUs: 0, rssMiB: 0 }));
    for (const contender of CONTENDERS)
      if (contender.program === "tandem")
        await measure(contender.id, setup.gatewayUrl, () => usageOfProcesses((pid) => pid === setup.gatewayPid));
      else await measureProxy(contender, programs, folder, setup.engineUrl, measure);
    return costs;
  } finally {
    await setup.stop();
    rmSync(folder, { recursive: true });
  }
}

async function measureProxy(
  contender: Contender,
  programs: Programs,
  folder: string,
  engine: string,
  measure: (id: string, url: string, usage: () => Usage) => Promise<void>,
): Promise<void> {
  const proxy = await ProxyProcess.start(contender, { programs, engines: [engine, engine], folder });
  try {
    await proxy.ready(1);
    await measure(contender.id, proxy.baseUrl.replace("/v1", ""), () =>
      usageOfProcesses((_pid, group) => group === proxy.pid),
    );
  } finally {
    await proxy.stop();
  }
}

interface Usage {
  cpuUs: number;
  rssMiB: number;
}

/** Sums over the processes that are wanted. A thread's time counts for its process. */
function usageOfProcesses(wanted: (pid: number, group: number) => boolean): Usage {
  const usage = { cpuUs: 0, rssMiB: 0 };
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    let stat: string;
    try {
      stat = readFileSync(`/proc/${name}/stat`, "utf8");
    } catch {
      continue;
    }
    const fields = stat.slice(stat.lastIndexOf(") ") + 2).split(" ");
    if (!wanted(Number(name), Number(fields[2]))) continue;
    usage.cpuUs += (Number(fields[11]) + Number(fields[12])) * US_PER_TICK;
    usage.rssMiB += (Number(fields[21]) * KIB_PER_PAGE) / 1024;
  }
  return usage;
}
