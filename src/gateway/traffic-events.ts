import type { Outcome, Rider } from "./stream/rider.ts";

/** What bounds the requests in a gateway's hands. */
export interface TrafficLimits {
  /** Requests in the hands of this gateway, beyond which new ones are refused: what engines run, and what may wait for them. */
  maxRequests: number;
  /** Requests that wait in the engine's own queue, by the agent's word, beyond which new requests are refused. */
  maxEngineQueue: number;
  maxLegs: number;
  maxTextBytes: number;
  prefillWindowTokens: number;
  totalDeadlineMs: number;
  poisonForMs: number;
}

/** What becomes of them, for whoever counts and decides. */
export interface TrafficEvents {
  /** A connection broke: the choice must be made again. */
  onBreak(): void;
  /** A request has the first token of this leg. */
  onRunning(): void;
  onContinued(rider: Rider, gapMs: number): void;
  /** The first token of all of a request, and how long its client waited for it. */
  onFirstToken(waitedMs: number): void;
  onOver(rider: Rider, outcome: Outcome): void;
  onPoison(rider: Rider): void;
}
