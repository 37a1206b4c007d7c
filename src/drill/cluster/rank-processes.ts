import { readdir, readFile } from "node:fs/promises";

/** A rank's process, by this computer's process number. */
export interface RankProcess {
  rank: number;
  pid: number;
}

/** SGLang names its scheduler processes so; attention-DP and expert-parallel ranks add more words after the number. */
const SCHEDULER = /^sglang::scheduler\S*?_TP(\d+)/;

/** The ranks that run in one container of this computer, lowest first. From outside, since the image has no tools. */
export async function rankProcesses(containerId: string): Promise<RankProcess[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(pids.map((pid) => rankOf(pid, containerId)));
  return found.filter((one) => one !== null).sort((a, b) => a.rank - b.rank);
}

async function rankOf(pid: string, containerId: string): Promise<RankProcess | null> {
  try {
    const name = SCHEDULER.exec(await readFile(`/proc/${pid}/cmdline`, "utf8"));
    if (name === null || !(await readFile(`/proc/${pid}/cgroup`, "utf8")).includes(containerId)) return null;
    return { rank: Number(name[1]), pid: Number(pid) };
  } catch {
    // It ended while we looked.
    return null;
  }
}
