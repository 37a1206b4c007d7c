import type { ServerEvidence } from "../../health/server-evidence.ts";

/** All that is known, without asking an engine, about whether the standby could take over. One clock: the observer's. */
export interface ReadinessFacts {
  atMs: number;
  active: GroupFacts;
  /** Null while no group stands by. */
  standby: GroupFacts | null;
}

export interface GroupFacts {
  id: string;
  revision: string;
  /** Base URL of the engine on the server that holds rank 0; null while no server does. */
  engine: string | null;
  /** Rank 0 first. */
  servers: readonly ServerFacts[];
  /** Null where nobody tells, as in a rehearsal without Kubernetes. */
  pods: readonly PodFacts[] | null;
}

export interface ServerFacts {
  evidence: ServerEvidence;
  /** Its wall clock minus ours, in milliseconds; null before a first frame. */
  clockAheadMs: number | null;
}

/** One engine pod, as Kubernetes has it. */
export interface PodFacts {
  name: string;
  uid: string;
  server: string | null;
  /** Of the group: 0 is the leader. */
  index: number;
  ready: boolean;
  /** As it was asked for, and the digest that the server in fact runs (`status.containerStatuses[].imageID`). */
  image: string;
  imageId: string | null;
  /** Unexpanded, so equal on all pods of one kind. */
  args: readonly string[];
}

/** What an engine says of itself (`/server_info`): its resolved arguments and what it made of them. */
export type EngineInfo = Readonly<Record<string, unknown>>;

/** A rung that was looked at: it holds, or not and why. */
export interface Verdict {
  ok: boolean;
  detail: string;
  /** It is taken to hold until it is tried out; that is no proof. */
  assumed?: true;
}

export const good = (detail: string): Verdict => ({ ok: true, detail });
export const assumed = (detail: string): Verdict => ({ ok: true, detail, assumed: true });
export const bad = (detail: string): Verdict => ({ ok: false, detail });

/** The first that is bad, else the last. */
export function worst(verdicts: readonly Verdict[]): Verdict {
  return verdicts.find(({ ok }) => !ok) ?? verdicts.at(-1) ?? good("nothing to look at");
}
