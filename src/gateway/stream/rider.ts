import type { Break } from "../../failover/choose/view.ts";
import type { Job } from "../dispatcher.ts";
import type { Group, Passenger } from "../groups/group.ts";
import type { RefusedRequest } from "../http/refused-request.ts";
import type { ModelTraits } from "../model-traits.ts";
import type { Warmed } from "../warm/warmed.ts";
import type { ClientRequest } from "./client-request.ts";

/** A client's request on its way, whichever form its answer has. */
export interface Rider extends Job, Passenger {
  readonly request: ClientRequest;
  /** The group that has it; null while it waits for one. */
  readonly group: string | null;
  readonly over: boolean;
  /** Tokens of its prompt, and of what was written. */
  readonly contextTokens: number;
  /** Tokens of the present leg, or of the one that broke last. */
  readonly legTokens: number;
  readonly legs: number;
  /** When its last token came, on the watch clock. */
  readonly lastTokenMs: number;
  /** Software crashes that it was present at. */
  strikes: number;
  /** What another group has read of it meanwhile. */
  warmed: Warmed | null;
  /** The body that makes a group write what is left of it. */
  remaining(): Record<string, unknown>;
  /** Why it cannot go on after a break; null if it can. */
  readonly stuck: string | null;
  /** Leaves its group without counting that against it; it is over then if its answer lacked nothing but the last formality. */
  leave(): void;
  /** Ends it with an error: as a status if nothing was sent, as an event in the stream otherwise. */
  refuse(error: RefusedRequest): void;
  cancel(): void;
}

export type Outcome = "complete" | "refused" | "interrupted" | "left";

export interface RiderHost {
  readonly model: ModelTraits;
  readonly limits: { maxLegs: number; maxTextBytes: number };
  now(): number;
  group(id: string): Group;
  onFirstToken(rider: Rider): void;
  /** It has written enough not to be what crashed the engine in its prefill. */
  onCleared(rider: Rider): void;
  /** It lost its connection and wants to go on. */
  onBroken(rider: Rider, group: Group, how: Break["how"]): void;
  /** An engine that is well did not take it on, or gave it up in good order; it has left its group and wants to go on. */
  onTurnedAway(rider: Rider, error: RefusedRequest, retryAfterS: number | null): void;
  onOver(rider: Rider, outcome: Outcome): void;
}
