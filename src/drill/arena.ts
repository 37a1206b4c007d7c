import type { ServingPlan } from "../plan/serving-plan.ts";
import type { FaultClass } from "../report/rehearsal.ts";

/** A fault that was caused: when, by the injector's own clock, and what was done in words. */
export interface Injected {
  atMs: number;
  what: string;
  /** It has begun, and this is when it has been done: whoever undoes it waits for that. */
  done?: Promise<unknown>;
}

/** A request that reached a server. */
export interface SeenRequest {
  server: string;
  /** Null: all streams that ran; the arena sees that traffic moved, and not each request. */
  stream: string | null;
  atMs: number;
}

/** Where faults can be caused: processes on this machine, or a cluster. */
export interface Arena {
  readonly plan: ServingPlan;
  readonly groups: readonly { id: string; servers: readonly { name: string }[] }[];
  /** Called when a request reaches a server. */
  onRequest: (request: SeenRequest) => void;
  /** Causes a fault; everything that is not the fault itself is prepared before its time is taken. */
  inject(fault: FaultClass, victim: string, random: () => number): Promise<Injected>;
}
