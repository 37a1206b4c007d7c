import type { Stall } from "./event-loop.ts";
import type { Frame } from "./frames.ts";

export interface SubscribeOptions {
  server: string;
  /** `http://10.0.0.11:9477`, or https with `ca`. */
  url: string;
  token: string;
  ca?: string;
  /** Only every n-th beat, for who need not know within half a second that a server is silent; evidence comes at once all the same. */
  everyBeats?: number;
  /**
   * Every frame in the order of the agent, with the time of its arrival on this process's monotonic clock. A beat is also a
   * frame. Must not throw.
   */
  onFrame(frame: Frame, arrivedMonoMs: number): void;
  /** The connection's state. A lost connection is *blind*, not a fault: the subscriber reconnects by itself. */
  onConnection(state: "connected" | "lost", reason: string, atMonoMs: number): void;
  /**
   * This process itself stood still. Called before the frames that arrived meanwhile are passed on: silence over such a
   * time is ours, not the server's, and must not be judged before the next turn of the event loop.
   */
  onStall?(stall: Stall): void;
}

export interface Subscription {
  close(): void;
}

export type Subscribe = (options: SubscribeOptions) => Subscription;
