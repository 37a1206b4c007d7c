import { processName } from "./aspects/ranks.ts";
import { inOrder, type Piece, type ServerEvidence } from "./server-evidence.ts";

/** What was true of a server when it was isolated. */
export interface Isolation {
  atMs: number;
  bootId: string | null;
}

export type Fence =
  | { fenced: true; by: "power-off" | "new-boot" | "empty"; reason: string }
  | { fenced: false; reason: string };

/**
 * Whether a server is proven unable to act since its isolation: its BMC confirms power-off, or it is heard, after the isolation,
 * with another boot id or without a process on any GPU. Silence proves nothing. A launcher holds no GPU, but the ports; and its end,
 * told after the next start, would count as a crash of that one.
 */
export function fenceOf(known: ServerEvidence, isolation: Isolation, poweredOffAtMs: number | null): Fence {
  if (poweredOffAtMs !== null && poweredOffAtMs >= isolation.atMs) {
    return { fenced: true, by: "power-off", reason: "its BMC confirms that the power is off" };
  }
  const { lastHeardMs, bootId } = known;
  if (lastHeardMs === null || lastHeardMs < isolation.atMs) {
    return { fenced: false, reason: "not heard since its isolation" };
  }
  if (isolation.bootId !== null && bootId !== null && bootId !== isolation.bootId) {
    // Until its group is stopped Kubernetes may start a rank again on a machine that has booted.
    const started = alive(known.pieces.filter((piece) => piece.bootId === bootId));
    if (started.length > 0) return { fenced: false, reason: `started since its boot: ${started.join(", ")}` };
    return { fenced: true, by: "new-boot", reason: "heard with another boot id: nothing of the old group survived" };
  }
  const since = inOrder(known.pieces.filter(({ arrivedMonoMs }) => arrivedMonoMs >= isolation.atMs));
  const look = since.findLast(({ evidence }) => evidence.kind === "gpus")?.evidence;
  if (look?.kind !== "gpus") return { fenced: false, reason: "heard, but not yet which processes hold its GPUs" };
  if (look.found < look.expected || look.gpus.length < look.found) {
    return { fenced: false, reason: "not every GPU can be looked at: a process may hold the one that is missing" };
  }
  const processes = look.gpus.reduce((sum, { processIds }) => sum + processIds.length, 0);
  if (processes > 0) return { fenced: false, reason: `${processes} processes still hold its GPUs` };
  const left = alive(known.pieces);
  if (left.length > 0) return { fenced: false, reason: `not ended yet: ${left.join(", ")}` };
  return { fenced: true, by: "empty", reason: "heard with no process on any GPU" };
}

/** The ranks and launchers that have not ended. */
function alive(pieces: readonly Piece[]): string[] {
  const last = new Map<string, number | null>();
  for (const { evidence } of inOrder(pieces)) {
    if (evidence.kind !== "rank" && evidence.kind !== "engine-process") continue;
    const name = processName(evidence);
    if (evidence.state !== "exited") last.set(name, evidence.pid);
    // The end of a predecessor may be told after the start of its successor.
    else if ((last.get(name) ?? evidence.pid) === evidence.pid) last.set(name, null);
  }
  return [...last].flatMap(([name, pid]) => (pid === null ? [] : [name]));
}
