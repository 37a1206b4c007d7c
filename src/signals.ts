/** One Ctrl-C comes more than once: from the terminal, and from the launcher and npm, which had it from the terminal as well. */
const ECHO_MS = 1_000;
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * Calls `heard` for each Ctrl-C, SIGTERM or lost terminal, once for what a person did once. Returns how to leave them to Node
 * again; with `after` echoes that are still on their way are taken first.
 */
export function onSignals(heard: (signal: NodeJS.Signals) => void): (after?: "echoes") => void {
  const ends = SIGNALS.map((signal) => {
    let lastMs = Number.NEGATIVE_INFINITY;
    const hear = () => {
      const nowMs = performance.now();
      if (nowMs - lastMs < ECHO_MS) return;
      lastMs = nowMs;
      heard(signal);
    };
    process.on(signal, hear);
    return () => process.off(signal, hear);
  });
  const off = () => {
    for (const end of ends) end();
  };
  return (after) => {
    if (after === "echoes") setTimeout(off, ECHO_MS).unref();
    else off();
  };
}
