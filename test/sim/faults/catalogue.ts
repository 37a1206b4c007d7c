import type { Stack } from "../stack.ts";
import type { SimServer } from "../world/types.ts";
import { FLAP } from "./flap.ts";
import type { PlannedFault, Role, State } from "./plan.ts";
import { STATES } from "./plan.ts";
import { SERVER_FAULTS } from "./server-faults.ts";
import { SYSTEM_FAULTS } from "./system-faults.ts";

export interface FaultKind {
  /** The shortest and the longest time, and the share that never ends by itself; null: it is over at once, or for good. */
  lasts: readonly [number, number, number] | null;
  /** A machine that is off has no kernel that could say so: there the fault is not put. */
  needsPower?: true;
  /** Makes it so; returns how it ends. For `system` the server is any. */
  begin(stack: Stack, server: SimServer, fault: PlannedFault): unknown;
}

/** `flap` lasts longer than the time in which drawn faults must end, so only a scenario has it. */
export const FAULTS: Readonly<Record<string, FaultKind>> = { ...SERVER_FAULTS, ...SYSTEM_FAULTS, flap: FLAP };

/** One combination that must be seen often. */
export interface Cell {
  kind: string;
  role: Role;
  state: State;
}

export const CELLS: readonly Cell[] = STATES.flatMap((state) => [
  ...Object.keys(SERVER_FAULTS).flatMap((kind) => [
    { kind, role: "active" as const, state },
    { kind, role: "standby" as const, state },
  ]),
  ...Object.keys(SYSTEM_FAULTS).map((kind) => ({ kind, role: "system" as const, state })),
]);
export const cellKey = ({ kind, role, state }: Cell) => `${kind} ${role} ${state}`;
