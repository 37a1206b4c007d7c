import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { load, quantile } from "../gateway/load.ts";
import { KEY, startSetup } from "../gateway/processes.ts";
import { CONTENDERS } from "./contenders.ts";
import type { Programs } from "./programs.ts";
import { ProxyProcess } from "./proxy-process.ts";

export const COST = { streams: 100, everyMs: 100, tokens: 35, overMs: 500, rounds: 3 } as const;
/** Sent first, so that code is compiled and buffers are there, as in a proxy that has run for a while. */
const WARM_UP = { streams: 300, tokens: 25, overMs: 1_000 };
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

interface Measured {
  id: string;
  url: string;
  usage(): Usage;
  cpuUs: number;
  latenciesMs: number[];
}

/** The same streams through one proxy after the other, in turns; the first row is the engine without any. */
export async function measureCosts(programs: Programs, tell: (cost: Cost) => void): Promise<Cost[]> {
  const folder = mkdtempSync(join(tmpdir(), "tandem-comparison-"));
  const setup = await startSetup(COST.everyMs);
  const proxies: ProxyProcess[] = [];
  try {
    const all = [measured("direct", setup.engineUrl, () => false)];
    for (const contender of CONTENDERS)
      if (contender.program === "tandem")
        all.push(measured(contender.id, setup.gatewayUrl, (pid) => pid === setup.gatewayPid));
      else {
        const engines = [setup.engineUrl, setup.engineUrl] as const;
        const proxy = await ProxyProcess.start(contender, { programs, engines, folder });
        proxies.push(proxy);
        await proxy.ready(1);
        all.push(measured(contender.id, proxy.baseUrl.replace("/v1", ""), (_pid, group) => group === proxy.pid));
      }
    for (const { url } of all) await load(url, KEY, WARM_UP);
    for (let round = 0; round < COST.rounds; round++) for (const one of all) await measure(one);
    return all.map((one) => {
      const sorted = one.latenciesMs.toSorted((a, b) => a - b);
      const cost = {
        id: one.id,
        usPerToken: one.cpuUs / sorted.length,
        rssMiB: one.usage().rssMiB,
        p50Ms: quantile(sorted, 0.5),
        p99Ms: quantile(sorted, 0.99),
      };
      tell(cost);
      return cost;
    });
  } finally {
    await Promise.all([setup.stop(), ...proxies.map((proxy) => proxy.stop())]);
    rmSync(folder, { recursive: true });
  }
}

function measured(id: string, url: string, wanted: (pid: number, group: number) => boolean): Measured {
  return { id, url, usage: () => usageOfProcesses(wanted), cpuUs: 0, latenciesMs: [] };
}

async function measure(one: Measured): Promise<void> {
  const before = one.usage().cpuUs;
  const { latenciesMs, short } = await load(one.url, KEY, COST);
  if (short > 0) throw new Error(`${short} streams through ${one.id} brought too few tokens`);
  one.cpuUs += one.usage().cpuUs - before;
  one.latenciesMs.push(...latenciesMs);
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
