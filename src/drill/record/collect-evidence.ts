import type { Frame } from "../../stream/frames.ts";
import { subscribe } from "../../stream/subscribe.ts";
import type { AgentAddress } from "../scenarios/drill-arena.ts";

/** One frame of an agent as it arrived here, its sequence number in it. */
export interface HeardFrame {
  /** Wall clock of this computer, milliseconds since the epoch. */
  wallMs: number;
  server: string;
  frame: Frame;
}

/** A busy hour; what comes after that is no part of any drill. */
const MAX_FRAMES = 50_000;

/** Listens to the agents until it is stopped, beside the gateways and as they do. */
export function collectEvidence(agents: readonly AgentAddress[]): { heard(): HeardFrame[]; stop(): void } {
  const frames: HeardFrame[] = [];
  const subscriptions = agents.map(({ server, url, token }) =>
    subscribe({
      server,
      url,
      token,
      onFrame: (frame) => {
        if (frames.length < MAX_FRAMES) frames.push({ wallMs: Date.now(), server, frame });
      },
      onConnection: () => {},
    }),
  );
  return {
    heard: () => [...frames],
    stop: () => {
      for (const subscription of subscriptions) subscription.close();
    },
  };
}
