import type { GpuKind, ModelPreset } from "../catalogue.ts";
import type { Fabric } from "../performance/shape.ts";

/** What a person wants before there is a spec. `users` wait for an answer at the same time. */
export interface SizeAsk {
  users: number;
  inputTokens: number;
  outputTokens: number;
  /** Share of an input that was sent before (system prompt, earlier turns). */
  prefixHitRate: number;
  /** Seconds to the first token, at most. */
  ttftSeconds?: number | undefined;
  /** Tokens a second for each user, at least. */
  tokensPerSecond?: number | undefined;
  /** `server`: the death of one server must not end the service. */
  survive: "nothing" | "server";
  model: ModelPreset;
  gpus: readonly GpuKind[];
  fabric: Fabric;
  speculative: boolean;
  maxServers: number;
}

/** How a group outlives a server; `none` does not. */
export type Standby = "none" | "degraded" | "spare" | "hot";

/** The servers that were bought for it: 8 GPUs each, always. */
export const GPUS_PER_SERVER = 8;
