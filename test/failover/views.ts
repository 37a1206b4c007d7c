import type { GatewayView, GroupView, ServerView } from "../../src/failover/choose/view.ts";

export const AT = 1_000_000;

export function server(id: string, more: Partial<ServerView> = {}): ServerView {
  return { id, stream: "open", lastHeardMs: AT - 100, ...more };
}

/** A group that serves: heard, and with a token a moment ago. */
export function group(id: string, more: Partial<GroupView> = {}): GroupView {
  const [first, second] = id === "a" ? ["gpu-a", "gpu-b"] : ["gpu-c", "gpu-d"];
  return {
    id,
    servers: [server(first as string), server(second as string)],
    faults: [],
    breaks: [],
    lastTokenMs: AT - 20,
    waitingSinceMs: AT - 10_000,
    passengers: 1,
    canary: { askedMs: null, answeredMs: AT - 1500, failedMs: null },
    engine: "serving",
    wellSinceMs: AT - 100_000,
    hasServed: true,
    ...more,
  };
}

/** A standby: nobody waits, and it answered its last canary. */
export function idle(id: string, more: Partial<GroupView> = {}): GroupView {
  return group(id, { lastTokenMs: null, waitingSinceMs: null, passengers: 0, ...more });
}

export function view(more: Partial<GatewayView> = {}): GatewayView {
  return {
    atMs: AT,
    current: "a",
    moves: [],
    word: { active: "a", epoch: 1 },
    adoptedEpoch: 1,
    heldSinceMs: null,
    pardonedMs: null,
    startUntilMs: null,
    pendingSinceMs: null,
    groups: [group("a"), idle("b")],
    ...more,
  };
}

export function fault(text: string, more: object = {}) {
  return { atMs: AT - 5, server: "gpu-a", text, software: false, restartedMs: null, ...more };
}
