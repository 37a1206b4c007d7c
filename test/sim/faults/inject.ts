import { membersOf } from "../actors/observe.ts";
import type { Stack } from "../stack.ts";
import type { SimServer } from "../world/types.ts";
import { FAULTS } from "./catalogue.ts";
import type { PlannedFault, State } from "./plan.ts";

/** A fault that has not found its moment by now is not put. */
const LAST_START_MS = 60_000;
/** Whatever lasted until here ends: from now on things must get well. */
export const FAULTS_END_MS = 100_000;

export type OnFault = (fault: PlannedFault, state: State) => void;

/** Puts planned faults at their time, and ends them. */
export class Injector {
  readonly #stack: Stack;
  readonly #onFault: OnFault;
  #waiting: PlannedFault[];
  #truth = -1;
  #version = -1;
  /** When the last fault began or ended. */
  lastMs = 0;
  /** Faults that are there, or still to come by the clock. */
  open = 0;

  constructor(stack: Stack, faults: readonly PlannedFault[], onFault: OnFault) {
    this.#stack = stack;
    this.#onFault = onFault;
    this.#waiting = faults.filter(({ when }) => when !== null);
    for (const fault of faults) if (fault.when === null) this.#plan(fault, fault.atMs);
  }

  /** After each event: whether the system is where a fault waits for it. */
  look(): void {
    if (this.#waiting.length === 0) return;
    const { world } = this.#stack;
    if (world.truth === this.#truth && world.api.version === this.#version) return;
    this.#truth = world.truth;
    this.#version = world.api.version;
    if (world.now > LAST_START_MS) this.#waiting = [];
    const state = stateOf(this.#stack);
    const due = this.#waiting.filter(({ when }) => when === state);
    if (due.length === 0) return;
    this.#waiting = this.#waiting.filter((fault) => !due.includes(fault));
    for (const fault of due) this.#plan(fault, world.now + fault.atMs);
  }

  #plan(fault: PlannedFault, atMs: number): void {
    this.open += 1;
    this.#stack.world.kernel.at(atMs, () => this.#put(fault));
  }

  #put(fault: PlannedFault): void {
    const { world } = this.#stack;
    const server = serverFor(fault, this.#stack);
    if (FAULTS[fault.kind]?.needsPower && !server.power) {
      this.open -= 1;
      return;
    }
    this.#onFault(fault, stateOf(this.#stack));
    world.say(() => `FAULT ${fault.kind}${fault.role === "system" ? "" : ` ${server.name}`}${lasting(fault)}`);
    this.lastMs = world.now;
    world.faultsMs.push(world.now);
    const end = FAULTS[fault.kind]?.begin(this.#stack, server, fault);
    if (typeof end !== "function" || fault.forMs === null) {
      this.open -= 1;
      return;
    }
    const lastMs = Math.max(FAULTS_END_MS, world.now + 100);
    // What a scenario asks for beyond it is meant.
    const endMs = fault.forMs > FAULTS_END_MS ? world.now + fault.forMs : Math.min(world.now + fault.forMs, lastMs);
    world.kernel.at(endMs, () => {
      world.say(() => `END   ${fault.kind}${fault.role === "system" ? "" : ` ${server.name}`}`);
      this.open -= 1;
      this.lastMs = world.now;
      end();
    });
  }
}

const lasting = ({ forMs }: PlannedFault) => (forMs === null ? "" : ` for ${(forMs / 1000).toFixed(1)} s`);

function serverFor({ role, member }: PlannedFault, { world }: Stack): SimServer {
  const { state } = world.api;
  const ids = Object.keys(state.groups);
  const id = role === "standby" ? (ids.find((one) => one !== state.service.active) ?? "b") : state.service.active;
  const members = membersOf(state, id);
  return world.server(members[member] ?? members[0] ?? "gpu-a");
}

/** By what is true and what the cluster's objects say. */
export function stateOf({ world }: Stack): State {
  const { service, groups } = world.api.state;
  const ids = Object.keys(groups);
  if (ids.some((id) => groups[id]?.revision !== service.wantedRevision)) return "changing";
  if (
    ids.some(
      (id) =>
        groups[id]?.replicas === 1 &&
        !world.serves(id) &&
        groups[id]?.stoppedMs !== null &&
        world.group(id).state !== "hung",
    )
  )
    return "rebuilding";
  const isOut = Object.values(service.servers).some(({ quarantine }) => quarantine !== null);
  if (isOut || ids.some((id) => groups[id]?.replicas === 0)) return "isolated";
  if (ids.some((id) => !world.serves(id))) return "failing";
  return "calm";
}
