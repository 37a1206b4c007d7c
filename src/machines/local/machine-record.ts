import { createHash } from "node:crypto";
import { TandemError } from "../../errors.ts";
import type { ContainerInfo } from "./container.ts";
import type { Engine } from "./engine.ts";
import { containerName, LABEL, ownerId } from "./labels.ts";

export interface MachineRequest {
  stack: string;
  name: string;
  address: string;
  role: "control-plane" | "gpu";
  /** Emulated GPUs; 0 for a control plane. */
  gpus: number;
  /** One line as in authorized_keys; the only way in. */
  authorizedKey: string;
  /** From `ensureMachineImage`. */
  image: string;
}

/** `created`: half made, never started; `running` and so on are Docker's words. */
export type MachineState = "created" | "running" | "paused" | "restarting" | "removing" | "exited" | "dead";

export interface LocalMachine {
  name: string;
  stack: string;
  container: string;
  address: string;
  role: MachineRequest["role"];
  gpus: number;
  state: MachineState;
}

/** All that is known about a machine is in its container's labels: there is no second record to disagree. */
export function machineLabels(engine: Pick<Engine, "home">, request: MachineRequest): Record<string, string> {
  return {
    [LABEL.owner]: ownerId(engine),
    [LABEL.stack]: request.stack,
    [LABEL.machine]: request.name,
    [LABEL.role]: request.role,
    [LABEL.address]: request.address,
    [LABEL.gpus]: String(request.gpus),
    [LABEL.request]: requestDigest(request),
  };
}

export function machineFromLabels(container: string, state: string, labels: Record<string, string>): LocalMachine {
  return {
    name: labels[LABEL.machine] ?? "",
    stack: labels[LABEL.stack] ?? "",
    container,
    address: labels[LABEL.address] ?? "",
    role: labels[LABEL.role] === "gpu" ? "gpu" : "control-plane",
    gpus: Number(labels[LABEL.gpus] ?? 0),
    state: state as MachineState,
  };
}

export function machineFromInfo({ Name, State, Config }: ContainerInfo): LocalMachine {
  return machineFromLabels(Name.replace(/^\//, ""), State.Status, Config.Labels ?? {});
}

/** @throws TandemError E_MACHINE_FOREIGN when the container of that name was not made by this TANDEM_HOME for this stack. */
export function assertOurs(
  engine: Pick<Engine, "home">,
  { stack, name }: Pick<MachineRequest, "stack" | "name">,
  info: Pick<ContainerInfo, "Config">,
): void {
  const labels = info.Config.Labels ?? {};
  const owned = labels[LABEL.owner] === ownerId(engine);
  if (owned && labels[LABEL.stack] === stack && labels[LABEL.machine] === name) return;
  throw new TandemError({
    code: "E_MACHINE_FOREIGN",
    what: `the container ${containerName(stack, name)} belongs to somebody else`,
    why: `it lacks the labels of machine ${name} of stack ${stack} made by this TANDEM_HOME`,
    fix: "rename the stack in the spec, or remove that container yourself if nobody needs it",
  });
}

/** @throws TandemError E_MACHINE_DIFFERS when the machine was made for another request. */
export function assertSame(request: MachineRequest, info: Pick<ContainerInfo, "Config">): void {
  const labels = info.Config.Labels ?? {};
  if (labels[LABEL.request] === requestDigest(request)) return;
  const has = `${labels[LABEL.address]}, ${labels[LABEL.role]}, ${labels[LABEL.gpus]} GPUs`;
  throw new TandemError({
    code: "E_MACHINE_DIFFERS",
    what: `machine ${request.name} exists with other properties`,
    why: `it has ${has}; asked for ${request.address}, ${request.role}, ${request.gpus} GPUs, or another key`,
    fix: "delete the machine first; a change of these means a new machine",
  });
}

/** The image is left out: a machine that runs is not made anew because a newer image exists. */
function requestDigest({ stack, name, address, role, gpus, authorizedKey }: MachineRequest): string {
  const text = JSON.stringify([stack, name, address, role, gpus, authorizedKey.trim()]);
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}
