import { engineDir, tandemHome } from "../home.ts";
import { removeOwnCgroups } from "./cgroups.ts";
import { daemonWasStarted } from "./daemon.ts";
import { type Engine, ensureEngine, findEngine, removeEngine } from "./engine.ts";
import { restoreHostSettings } from "./host-settings.ts";
import { LABEL, ownFilter } from "./labels.ts";
import { deleteMachine, listMachines } from "./machine.ts";
import { deleteNetwork, dropRoutes } from "./network.ts";
import { removeBuilders } from "./old-images.ts";

export interface CleanOptions {
  home?: string;
  /** Also the engine's programs and the machine image: the next start is a cold one. */
  purge?: boolean;
  /** Whether another stack's command is at work that has made nothing on the engine yet: then the engine stays for it. */
  inUse?: () => Promise<boolean>;
  onProgress?: (text: string) => void;
}

/**
 * Takes away all that local machines of a stack have on this computer: containers, volumes, network, routes. With the
 * last stack also the private daemon, its cgroups, and the kernel settings go back to what they were. Works after any
 * kill, and twice. Caches stay unless `purge`; the stack's folder (keys, Pulumi state) is the caller's.
 */
export async function cleanLocal(
  stack: string,
  { home = tandemHome(), purge = false, inUse = async () => false, onProgress }: CleanOptions = {},
): Promise<void> {
  const engine = await engineToClean(home, onProgress);
  if (!engine) {
    await dropRoutes(home, stack);
  } else {
    // Again until none is left: the daemon goes on with what a killed command had asked it to make.
    for (
      let machines = await listMachines(engine, stack);
      machines.length > 0;
      machines = await listMachines(engine, stack)
    ) {
      onProgress?.(`removing ${machines.length} machines`);
      await Promise.all(machines.map(({ name }) => deleteMachine(engine, stack, name)));
    }
    await deleteNetwork(engine, stack);
    const others = (await othersLeft(engine, stack)) || (await inUse());
    if (!others) await removeBuilders(engine);
    await engine.api.close();
    if (others) return;
  }
  // Before the engine's folder goes, where the old values are.
  await restoreHostSettings(home);
  await removeEngine({ home, purge });
  await removeOwnCgroups(home);
}

/** A daemon that was killed is started once more: only it can take its containers apart. */
async function engineToClean(home: string, onProgress?: (text: string) => void): Promise<Engine | undefined> {
  const found = await findEngine({ home });
  if (found || !(await daemonWasStarted(engineDir(home)))) return found;
  return ensureEngine({ home, ...(onProgress && { onProgress }) });
}

async function othersLeft(engine: Engine, stack: string): Promise<boolean> {
  const [machines, networks] = await Promise.all([
    listMachines(engine),
    engine.api.call<{ Labels: Record<string, string> }[]>("GET", "/networks", { query: ownFilter(engine) }),
  ]);
  const stacks = [...machines.map((machine) => machine.stack), ...networks.map(({ Labels }) => Labels[LABEL.stack])];
  return stacks.some((other) => other !== stack);
}
