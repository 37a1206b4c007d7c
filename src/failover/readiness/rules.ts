/** Every threshold of the readiness ladder, with its source or the word "ours" and why. */
export interface ReadinessRules {
  /** A server that says nothing for so long is not heard. Ours: a busy computer holds a beat back for a second, and that is no defect. */
  silentAfterMs: number;
  /** Clocks further apart than this are told. Ours: certificates and tokens are dated to the second, and records are read side by side. */
  clockMs: number;
  /** Least room on a disk, as a share and in bytes: logs, images and compiled kernels need it (kubelet evicts at 10 % of nodefs). */
  diskFree: number;
  diskFreeBytes: number;
  /** Least memory that programs can still take. Ours. */
  memoryFree: number;
  memoryFreeBytes: number;
  /** Compiled kernels below this share of those of the active group's servers: the next start compiles for minutes. Ours. */
  kernelShare: number;
  /** KV capacity below this share of the active group's: something else holds GPU memory. Ours: starts differ by less than 1 %. */
  capacityShare: number;
  /**
   * Log-probabilities of one token may differ by this at least: kernels add in another order with another batch (ours). A
   * reference measures its own noise by asking twice; the tolerance is `toleranceFactor` times that where it is more.
   */
  toleranceFloor: number;
  toleranceFactor: number;
  /** No noise widens the tolerance beyond this: a wrong layer shifts log-probabilities by whole nats. Ours. */
  toleranceCeiling: number;
  /** With another image or other flags than the active group the same model adds in yet another order. Ours. */
  otherRevisionFactor: number;
  /** Mean log-probability of plain English, below which no working model falls; random weights give -11.8 (ln 129,280). Ours. */
  senselessBelow: number;
  /** Times the best that was seen with this revision: slower than that is a slow rank. Ours: the planted one is four times. */
  slowFactor: number;
  /** Milliseconds a token that are nobody's fault on top of it. Ours. */
  slowSlackMs: number;
}

export const DEFAULT_READINESS_RULES: ReadinessRules = {
  silentAfterMs: 3_000,
  clockMs: 2_000,
  diskFree: 0.05,
  diskFreeBytes: 2 * 2 ** 30,
  memoryFree: 0.02,
  memoryFreeBytes: 2 ** 30,
  kernelShare: 0.5,
  capacityShare: 0.97,
  toleranceFloor: 0.05,
  toleranceFactor: 4,
  toleranceCeiling: 0.5,
  otherRevisionFactor: 2,
  senselessBelow: -6,
  slowFactor: 1.75,
  slowSlackMs: 5,
};
