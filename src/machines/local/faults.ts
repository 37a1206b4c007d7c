import { readdir, readFile } from "node:fs/promises";
import { execa } from "execa";
import { TandemError } from "../../errors.ts";
import { type ContainerInfo, inspectContainer } from "./container.ts";
import { ifStatus } from "./docker-api.ts";
import type { Engine } from "./engine.ts";
import { bridgeName, containerName, LABEL, ownerId } from "./labels.ts";
import { ipJson } from "./routes.ts";

/** What was done to a machine and when: wall clock, ms since 1970, right before and right after it took effect. */
export interface Injection {
  fault: "power-cut" | "power-on" | "freeze" | "thaw" | "link-down" | "link-up";
  machine: string;
  startedAtMs: number;
  doneAtMs: number;
}

const FREEZE_TRIES = 3;

interface Link {
  ifindex: number;
  ifname: string;
  link_index?: number;
  master?: string;
}

/**
 * Power cut: the link goes first. Killing alone is not one: the kernel would close the dead processes' sockets and the
 * peers would hear a reset 0.1 s later. `startedAtMs` is when peers stop hearing it.
 *
 * @param began called with that moment as soon as it has come: until all processes are dead takes another second
 */
export async function cutPower(
  engine: Engine,
  stack: string,
  machine: string,
  began: (startedAtMs: number) => void = () => {},
): Promise<Injection> {
  const container = await running(engine, stack, machine);
  const veth = await vethOf(engine, stack, container);
  return injected("power-cut", machine, async () => {
    const startedAtMs = Date.now();
    await setLink(veth, "down");
    began(startedAtMs);
    // A frozen machine takes no signal; nobody hears what it does now.
    if (container.State.Paused) await engine.api.call("POST", `/containers/${container.Id}/unpause`);
    await engine.api.call("POST", `/containers/${container.Id}/kill`, { query: { signal: "SIGKILL" } });
    await engine.api.call("POST", `/containers/${container.Id}/wait`);
  });
}

/** Power on again; the machine boots with a new boot id and a fresh link. On already is fine. */
export async function startPower(engine: Engine, stack: string, machine: string): Promise<Injection> {
  const { Id } = await ours(engine, stack, machine);
  return injected("power-on", machine, () => engine.api.call("POST", `/containers/${Id}/start`).catch(ifStatus(304)));
}

/** A hung machine: every process stops, pods too. Its kernel still acknowledges TCP, as that of a real one may. */
export async function freeze(engine: Engine, stack: string, machine: string): Promise<Injection> {
  const { Id } = await running(engine, stack, machine);
  const pause = () => engine.api.call("POST", `/containers/${Id}/pause`).catch(ifStatus(409));
  return injected("freeze", machine, async () => {
    // runc gives up, and lets everything run, where processes are born faster than it can stop them.
    for (let tries = 1; ; tries++) {
      try {
        return await pause();
      } catch (error) {
        if (tries === FREEZE_TRIES || !/unable to freeze/.test((error as Error).message)) throw error;
      }
    }
  });
}

/** Ends a freeze. */
export async function thaw(engine: Engine, stack: string, machine: string): Promise<Injection> {
  const { Id } = await running(engine, stack, machine);
  return injected("thaw", machine, () =>
    engine.api.call("POST", `/containers/${Id}/unpause`).catch(ifStatus(409, 500)),
  );
}

/** Cable pull: the machine's end of the link stays, with its address and routes, as a real one's would. */
export async function unplug(engine: Engine, stack: string, machine: string): Promise<Injection> {
  const veth = await hostVeth(engine, stack, machine);
  return injected("link-down", machine, () => setLink(veth, "down"));
}

export async function plug(engine: Engine, stack: string, machine: string): Promise<Injection> {
  const veth = await hostVeth(engine, stack, machine);
  return injected("link-up", machine, () => setLink(veth, "up"));
}

/** The host's end of a machine's link. Look it up anew after each start: a start makes a new one. */
export async function hostVeth(engine: Engine, stack: string, machine: string): Promise<string> {
  return vethOf(engine, stack, await running(engine, stack, machine));
}

async function vethOf(engine: Engine, stack: string, { State, Name }: ContainerInfo): Promise<string> {
  // Through the machine's own view of /sys; interface names inside change, so every one is looked at.
  const folder = `/proc/${State.Pid}/root/sys/class/net`;
  const inside = new Map<number, number>();
  for (const name of await readdir(folder)) {
    const [index, peer] = await Promise.all(
      ["ifindex", "iflink"].map((file) => readNumber(`${folder}/${name}/${file}`)),
    );
    if (index !== undefined && peer !== undefined) inside.set(peer, index);
  }
  const bridge = bridgeName(engine, stack);
  const links = await ipJson<Link>(["-json", "link", "show", "master", bridge]);
  // Both ends must name each other: pods inside have links too, whose numbers may be those of a link out here.
  const found = links.find(({ ifindex, link_index }) => link_index !== undefined && inside.get(ifindex) === link_index);
  if (!found)
    throw new Error(
      `no link of ${Name.slice(1)} on ${bridge}; there are ${links.map(({ ifname }) => ifname).join(", ")}`,
    );
  return found.ifname;
}

async function readNumber(path: string): Promise<number | undefined> {
  return readFile(path, "utf8").then(Number, () => undefined);
}

async function setLink(veth: string, state: "up" | "down"): Promise<void> {
  await execa("ip", ["link", "set", veth, state]);
}

async function injected(fault: Injection["fault"], machine: string, act: () => Promise<unknown>): Promise<Injection> {
  const startedAtMs = Date.now();
  await act();
  return { fault, machine, startedAtMs, doneAtMs: Date.now() };
}

async function ours(engine: Engine, stack: string, machine: string): Promise<ContainerInfo> {
  const info = await inspectContainer(engine.api, containerName(stack, machine));
  if (info?.Config.Labels?.[LABEL.owner] === ownerId(engine)) return info;
  throw new TandemError({
    code: "E_NO_MACHINE",
    what: `stack ${stack} has no machine ${machine}`,
    why: info ? "a container of that name is somebody else's" : "there is no such container",
    fix: "`tandem machines` lists those that exist",
  });
}

async function running(engine: Engine, stack: string, machine: string): Promise<ContainerInfo> {
  const info = await ours(engine, stack, machine);
  if (info.State.Running) return info;
  throw new TandemError({
    code: "E_MACHINE_OFF",
    what: `machine ${machine} is off`,
    why: `its state is ${info.State.Status}; wanted running or paused`,
    fix: "start it first",
  });
}
