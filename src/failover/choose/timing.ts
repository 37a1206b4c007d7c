/** The limits of suspicion. Times are measured on the watch clock of the gateway. */
export interface ChooseTiming {
  /** Silence of one server: two beats of 250 ms and 100 ms of jitter (measured with all cores busy: 25 ms). */
  silentAfterMs: number;
  /** Silence of a server while nobody waits for its group: no stream suffers, so a busy computer is given time. */
  idleSilentAfterMs: number;
  /** A server silent for this long says nothing about the observer any more. */
  goneAfterMs: number;
  /** A neighbour counts as heard within this time: one beat and its jitter. */
  heardWithinMs: number;
  /** No token while requests wait: max(5 s, 3 × the longest step that the plan expects). */
  stallAfterMs: number;
  /** A rank's process is stopped, and no token while requests wait. Ours: whoever looks into a process for a moment lets it go sooner. */
  stoppedAfterMs: number;
  /** An idle group answers one token within this time: 23 ms a step, and room for a busy computer. */
  canaryGraceMs: number;
  /** When a silent server's idle group is asked, early enough to be answered before `silentAfterMs`; until `goneAfterMs`. */
  askAfterSilenceMs: number;
  /** Broken connections count together within this time. */
  breakWindowMs: number;
  /** How long requests are held while no group can be used. */
  holdDeadlineMs: number;
  /** A group that was left without proof must have been well for so long to be taken without proof; doubles each time. */
  dwellMs: number;
  maxDwellMs: number;
  /** A group with a silent server that answers nothing for this long has a real fault, left already or not yet. */
  confirmMoveMs: number;
  /** Moves are remembered this long. */
  dwellWindowMs: number;
  /** Idle groups are asked this often, so that a standby is known to serve before it is needed. */
  canaryEveryMs: number;
  /** An answer proves a group for this long. */
  provenForMs: number;
  /** The first load of a group: 10 to 20 minutes with cold caches (SGLang's guides, issue 3825). */
  firstLoadMs: number;
}

export const DEFAULT_TIMING: ChooseTiming = {
  silentAfterMs: 600,
  idleSilentAfterMs: 2000,
  goneAfterMs: 10_000,
  heardWithinMs: 350,
  stallAfterMs: 5000,
  stoppedAfterMs: 1000,
  canaryGraceMs: 1000,
  askAfterSilenceMs: 320,
  breakWindowMs: 1000,
  holdDeadlineMs: 15_000,
  dwellMs: 5000,
  maxDwellMs: 60_000,
  confirmMoveMs: 3000,
  dwellWindowMs: 600_000,
  canaryEveryMs: 2000,
  provenForMs: 6000,
  firstLoadMs: 1_200_000,
};

/** `stallAfterMs` for a plan whose longest step (a full context's prefill) takes `longestStepMs`. */
export function stallAfter(longestStepMs: number): number {
  return Math.max(5000, 3 * longestStepMs);
}
