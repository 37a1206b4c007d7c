import { createHash } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { TandemError } from "../../errors.ts";
import {
  type ContainerInfo,
  containerLogs,
  createContainer,
  inspectContainer,
  putArchive,
  removeContainer,
  startContainer,
} from "./container.ts";
import { machineHostConfig, STOP_SIGNAL } from "./container-options.ts";
import { DockerError } from "./docker-api.ts";
import type { Engine } from "./engine.ts";
import { containerName, LABEL, networkName, ownerId, ownFilter } from "./labels.ts";
import { machineSeed, readHostKey } from "./machine-seed.ts";
import { sshAnswers } from "./ssh-answers.ts";

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

/**
 * Makes a bare machine and waits until its sshd answers. Idempotent: the same request again gives the same machine,
 * also when a killed call left it half made or it was switched off since.
 *
 * @returns the machine and its SSH host key (`ssh-ed25519 AAAA…`), read through the engine and not over the network, to
 *   be pinned before the first connection.
 * @throws TandemError E_MACHINE_FOREIGN, E_MACHINE_DIFFERS, E_ADDRESS_TAKEN, E_MACHINE_BOOT.
 */
export async function createMachine(
  engine: Engine,
  request: MachineRequest,
  signal?: AbortSignal,
): Promise<LocalMachine & { hostKey: string }> {
  const { api } = engine;
  const container = containerName(request.stack, request.name);
  let info = await inspectContainer(api, container, signal);
  if (info) assertOurs(engine, request, info);
  // Never started: its files may be half written, and nothing of value is in it.
  if (info && (info.State.Status === "created" || isFailedStart(info))) {
    await removeContainer(api, info.Id);
    info = undefined;
  }
  if (info) assertSame(request, info);
  else {
    const id = await makeContainer(engine, container, request, signal);
    await putArchive(api, id, await machineSeed(request), signal);
  }
  if (info?.State.Paused) await api.call("POST", `/containers/${container}/unpause`, { signal });
  await startContainer(api, container, signal).catch((error) => {
    throw addressTaken(error, request) ?? error;
  });
  await booted(engine, container, request, signal);
  const hostKey = await readHostKey(api, container, signal);
  return { ...describe(request.stack, await mustInspect(engine, container)), hostKey };
}

/** The machine as it is now, or `undefined`. Foreign containers of that name are not ours to see. */
export async function readMachine(engine: Engine, stack: string, name: string): Promise<LocalMachine | undefined> {
  const info = await inspectContainer(engine.api, containerName(stack, name));
  return info && info.Config.Labels?.[LABEL.owner] === ownerId(engine) ? describe(stack, info) : undefined;
}

/** Every machine of a stack, or of all stacks of this TANDEM_HOME, ordered by stack and name. */
export async function listMachines(engine: Engine, stack?: string): Promise<LocalMachine[]> {
  const query = { all: "true", ...ownFilter(engine, stack) };
  const rows = await engine.api.call<{ Names: string[]; State: string; Labels: Record<string, string> }[]>(
    "GET",
    "/containers/json",
    { query },
  );
  return rows
    .filter(({ Labels }) => Labels[LABEL.machine] !== undefined)
    .map(({ Names, State, Labels }) => fromLabels(Names[0]?.replace(/^\//, "") ?? "", State, Labels))
    .sort((a, b) => (`${a.stack} ${a.name}` < `${b.stack} ${b.name}` ? -1 : 1));
}

/** Removes a machine with its volume, whatever its state. Absent is fine. @throws TandemError E_MACHINE_FOREIGN. */
export async function deleteMachine(engine: Engine, stack: string, name: string): Promise<void> {
  const info = await inspectContainer(engine.api, containerName(stack, name));
  if (!info) return;
  assertOurs(engine, { stack, name }, info);
  await removeContainer(engine.api, info.Id);
}

async function makeContainer(
  engine: Engine,
  container: string,
  request: MachineRequest,
  signal?: AbortSignal,
): Promise<string> {
  const { stack, name, address, role, gpus, image } = request;
  return createContainer(
    engine.api,
    container,
    {
      Image: image,
      Hostname: name,
      StopSignal: STOP_SIGNAL,
      StopTimeout: 20,
      Volumes: { "/var": {} },
      Labels: {
        [LABEL.owner]: ownerId(engine),
        [LABEL.stack]: stack,
        [LABEL.machine]: name,
        [LABEL.role]: role,
        [LABEL.address]: address,
        [LABEL.gpus]: String(gpus),
        [LABEL.request]: requestDigest(request),
      },
      HostConfig: {
        ...machineHostConfig(engine),
        NetworkMode: networkName(stack),
        // Names outside must not be looked up by tests: nothing listens there, so they fail at once.
        Dns: ["127.0.0.1"],
      },
      NetworkingConfig: { EndpointsConfig: { [networkName(stack)]: { IPAMConfig: { IPv4Address: address } } } },
    },
    signal,
  );
}

/** Until sshd sends its greeting: the sign of a server that is up. */
async function booted(
  engine: Engine,
  container: string,
  { name, address }: MachineRequest,
  signal?: AbortSignal,
): Promise<void> {
  const deadline = Date.now() + 60_000;
  while (!(await sshAnswers(address, 1_000))) {
    signal?.throwIfAborted();
    const { State } = await mustInspect(engine, container);
    if (State.Running && Date.now() < deadline) {
      await delay(50);
      continue;
    }
    const log = (await containerLogs(engine.api, container)).trim().split("\n").slice(-3).join(" | ");
    throw new TandemError({
      code: "E_MACHINE_BOOT",
      what: `machine ${name} did not boot`,
      why: `${State.Running ? "no SSH greeting within 60 s" : `it is ${State.Status}, exit code ${State.ExitCode}`}; console: ${log || "empty"}`,
      fix: "delete the machine and run the same command again; the same words again are worth a report",
    });
  }
}

async function mustInspect(engine: Engine, container: string): Promise<ContainerInfo> {
  const info = await inspectContainer(engine.api, container);
  if (info) return info;
  throw new TandemError({
    code: "E_MACHINE_GONE",
    what: `${container} vanished while it was made`,
    why: "somebody else removed its container",
    fix: "run the same command again",
  });
}

/** A start that failed leaves `created` or `exited` without a start time. */
function isFailedStart({ State }: ContainerInfo): boolean {
  return State.Status === "exited" && State.StartedAt.startsWith("0001-");
}

function describe(stack: string, { Name, State, Config }: ContainerInfo): LocalMachine {
  return fromLabels(Name.replace(/^\//, ""), State.Status, { [LABEL.stack]: stack, ...Config.Labels });
}

function fromLabels(container: string, state: string, labels: Record<string, string>): LocalMachine {
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

/** The image is left out: a machine that runs is not made anew because a newer image exists. */
function requestDigest({ stack, name, address, role, gpus, authorizedKey }: MachineRequest): string {
  const text = JSON.stringify([stack, name, address, role, gpus, authorizedKey.trim()]);
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}

function assertOurs(
  engine: Engine,
  { stack, name }: Pick<MachineRequest, "stack" | "name">,
  info: ContainerInfo,
): void {
  const labels = info.Config.Labels ?? {};
  if (labels[LABEL.owner] === ownerId(engine) && labels[LABEL.stack] === stack && labels[LABEL.machine] === name)
    return;
  throw new TandemError({
    code: "E_MACHINE_FOREIGN",
    what: `the container ${containerName(stack, name)} belongs to somebody else`,
    why: `it lacks the labels of machine ${name} of stack ${stack} made by this TANDEM_HOME`,
    fix: "rename the stack in the spec, or remove that container yourself if nobody needs it",
  });
}

function assertSame(request: MachineRequest, info: ContainerInfo): void {
  const labels = info.Config.Labels ?? {};
  if (labels[LABEL.request] === requestDigest(request)) return;
  throw new TandemError({
    code: "E_MACHINE_DIFFERS",
    what: `machine ${request.name} exists with other properties`,
    why: `it has ${labels[LABEL.address]}, ${labels[LABEL.role]}, ${labels[LABEL.gpus]} GPUs; asked for ${request.address}, ${request.role}, ${request.gpus} GPUs, or another key`,
    fix: "delete the machine first; a change of these means a new machine",
  });
}

function addressTaken(error: unknown, { name, address }: MachineRequest): TandemError | undefined {
  if (
    !(error instanceof DockerError) ||
    !/address already in use|no available|not in.*(pool|subnet)/i.test(error.message)
  )
    return undefined;
  return new TandemError({
    code: "E_ADDRESS_TAKEN",
    what: `machine ${name} cannot have the address ${address}`,
    why: error.message,
    fix: "give each machine of the spec an address of its own inside provision.subnet",
    cause: error,
  });
}
