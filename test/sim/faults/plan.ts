/** Where the system is when a fault hits. */
export const STATES = ["calm", "failing", "isolated", "rebuilding", "changing"] as const;
export type State = (typeof STATES)[number];

/** The role of the group whose server a fault hits; what concerns no server has the role `system`. */
export type Role = "active" | "standby" | "system";

/** A fault as it is planned, and as a scenario keeps it. */
export interface PlannedFault {
  kind: string;
  role: Role;
  /** Of the group: 0 is the leader's server. */
  member: 0 | 1;
  /** The earliest time, and if `when` is set the time after the first moment at which the system is there. */
  atMs: number;
  when: State | null;
  /** Null: it stays until somebody mends it. */
  forMs: number | null;
  /** From 0 to 1, for whatever else a fault must choose. */
  detail: number;
}
