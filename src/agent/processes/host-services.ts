import type { HostService } from "../../health/evidence.ts";
import type { Emit } from "../source.ts";

/** By the name that the kernel keeps, 15 characters long. */
const BY_COMM: Readonly<Record<string, HostService>> = {
  "nv-fabricmanage": "fabric-manager",
  "nvidia-persiste": "persistence-daemon",
};
/** A service that is restarted is away for one scan or two. */
const GONE_SCANS = 5;

/**
 * Follows the programs of the host that the GPUs need, as part of the scan for ranks. What was never there is `absent`:
 * not every server has a fabric manager.
 */
export function hostServices(emit: Emit) {
  const seen = new Map<HostService, { pid: number; missing: number; told: string }>();
  const tell = (name: HostService, entry: { told: string }, state: "running" | "failed" | "absent", detail: string) => {
    if (entry.told === state) return;
    entry.told = state;
    emit({ kind: "service", name, state, detail });
  };
  for (const name of Object.values(BY_COMM)) seen.set(name, { pid: 0, missing: 0, told: "" });
  return {
    /** The service that a process of this name is, by its pid; others are passed by. */
    note(pid: number, comm: string | null): void {
      const name = BY_COMM[comm ?? ""];
      const entry = name && seen.get(name);
      if (name === undefined || entry === undefined) return;
      entry.pid = pid;
      entry.missing = 0;
      tell(name, entry, "running", "");
    },
    /** After each scan; `isThere` looks whether the process still has its name. */
    settle(isThere: (pid: number) => string | null): void {
      for (const [name, entry] of seen) {
        if (entry.pid === 0) tell(name, entry, "absent", "");
        else if (BY_COMM[isThere(entry.pid) ?? ""] === name) entry.missing = 0;
        else if (++entry.missing >= GONE_SCANS) tell(name, entry, "failed", `process ${entry.pid} ended`);
      }
    },
  };
}
