import { readdir, readFile } from "node:fs/promises";

/** Our long-running programs, by what their images start. */
const OURS = /tandem-(gateway|reconciler|agent)/;

/** Resident memory of all our programs on the machines of this computer together, in MiB. */
export async function ownMemoryMiB(): Promise<number> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const each = await Promise.all(
    pids.map(async (pid) => {
      const command = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
      if (!OURS.test(command)) return 0;
      const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
      return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? 0) / 1024;
    }),
  );
  return each.reduce((sum, one) => sum + one, 0);
}
