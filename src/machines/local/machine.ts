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
import {
  assertOurs,
  assertSame,
  type LocalMachine,
  type MachineRequest,
  machineFromInfo,
  machineFromLabels,
  machineLabels,
} from "./machine-record.ts";
import { machineSeed, readHostKey } from "./machine-seed.ts";
import { sshAnswers } from "./ssh-answers.ts";

/**
 * Makes a bare machine and waits until its sshd answers. Idempotent: the same request again gives the same machine,
 * also when a killed call left it half made, or it was frozen or switched off since.
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
  const found = await inspectContainer(api, container, signal);
  if (found) assertOurs(engine, request, found);
  // Never started: its files may be half written, and nothing of value is in it.
  const halfMade = found?.State.StartedAt.startsWith("0001-") ?? false;
  if (found && halfMade) await removeContainer(api, found.Id);
  if (found && !halfMade) assertSame(request, found);
  else {
    const id = await createContainer(api, container, machineSpec(engine, request), signal);
    await putArchive(api, id, await machineSeed(request), signal);
  }
  if (found?.State.Paused) await api.call("POST", `/containers/${container}/unpause`, { signal });
  await startContainer(api, container, signal).catch((error) => {
    throw addressTaken(error, request) ?? error;
  });
  const info = await booted(engine, container, request, signal);
  return { ...machineFromInfo(info), hostKey: await readHostKey(api, container, signal) };
}

/** The machine as it is now, or `undefined`. Foreign containers of that name are not ours to see. */
export async function readMachine(engine: Engine, stack: string, name: string): Promise<LocalMachine | undefined> {
  const info = await inspectContainer(engine.api, containerName(stack, name));
  return info?.Config.Labels?.[LABEL.owner] === ownerId(engine) ? machineFromInfo(info) : undefined;
}

/** Every machine of a stack, or of all stacks of this TANDEM_HOME, ordered by stack and name. */
export async function listMachines(engine: Engine, stack?: string): Promise<LocalMachine[]> {
  interface Row {
    Names: string[];
    State: string;
    Labels: Record<string, string>;
  }
  const query = { all: "true", ...ownFilter(engine, stack) };
  const rows = await engine.api.call<Row[]>("GET", "/containers/json", { query });
  return rows
    .filter(({ Labels }) => Labels[LABEL.machine] !== undefined)
    .map(({ Names, State, Labels }) => machineFromLabels(Names[0]?.replace(/^\//, "") ?? "", State, Labels))
    .sort((a, b) => (`${a.stack} ${a.name}` < `${b.stack} ${b.name}` ? -1 : 1));
}

/** Removes a machine with its volume, whatever its state. Absent is fine. @throws TandemError E_MACHINE_FOREIGN. */
export async function deleteMachine(engine: Engine, stack: string, name: string): Promise<void> {
  const info = await inspectContainer(engine.api, containerName(stack, name));
  if (!info) return;
  assertOurs(engine, { stack, name }, info);
  await removeContainer(engine.api, info.Id);
}

function machineSpec(engine: Engine, request: MachineRequest) {
  const network = networkName(request.stack);
  return {
    Image: request.image,
    Hostname: request.name,
    StopSignal: STOP_SIGNAL,
    StopTimeout: 20,
    // A volume, because an overlay's upper folder cannot lie on an overlay; filled from the image.
    Volumes: { "/var": {} },
    Labels: machineLabels(engine, request),
    HostConfig: {
      ...machineHostConfig(engine),
      NetworkMode: network,
    },
    NetworkingConfig: { EndpointsConfig: { [network]: { IPAMConfig: { IPv4Address: request.address } } } },
  };
}

/** Waits until sshd sends its greeting: the sign of a server that is up. */
async function booted(
  engine: Engine,
  container: string,
  { name, address }: MachineRequest,
  signal: AbortSignal | undefined,
): Promise<ContainerInfo> {
  const deadline = Date.now() + 60_000;
  for (;;) {
    const answers = await sshAnswers(address, 1_000);
    signal?.throwIfAborted();
    const info = await inspectContainer(engine.api, container);
    if (answers && info) return info;
    if (info?.State.Running && Date.now() < deadline) {
      await delay(50);
      continue;
    }
    const log = info ? (await containerLogs(engine.api, container)).trim().split("\n").slice(-3).join(" | ") : "";
    const state = info
      ? `it is ${info.State.Status}, exit code ${info.State.ExitCode}`
      : "somebody removed its container";
    throw new TandemError({
      code: "E_MACHINE_BOOT",
      what: `machine ${name} did not boot`,
      why: `${info?.State.Running ? "no SSH greeting within 60 s" : state}; console: ${log || "empty"}`,
      fix: "run the same command again; if it says the same, delete the machine first",
    });
  }
}

function addressTaken(error: unknown, { name, address }: MachineRequest): TandemError | undefined {
  const ofAddress = /address already in use|no available|not in.*(pool|subnet)|no configured subnet/i;
  if (!(error instanceof DockerError) || !ofAddress.test(error.message)) return undefined;
  return new TandemError({
    code: "E_ADDRESS_TAKEN",
    what: `machine ${name} cannot have the address ${address}`,
    why: error.message,
    fix: "give each machine of the spec an address of its own inside provision.subnet",
    cause: error,
  });
}
