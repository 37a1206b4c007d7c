import type { Monitor } from "../health/evidence.ts";
import type { Emit } from "./source.ts";

/** Tells how a monitor does, once per change: `hung` and `failed` are signals, so they are not repeated into a flood. */
export function monitorState(emit: Emit, monitor: Monitor) {
  let last = "";
  return (state: "working" | "hung" | "failed", detail = ""): void => {
    const now = `${state} ${detail}`;
    if (now === last) return;
    last = now;
    emit({ kind: "monitor", monitor, state, detail });
  };
}
