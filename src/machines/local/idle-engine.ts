import { join } from "node:path";
import { engineDir, tandemHome } from "../home.ts";
import { isHeld, withLock } from "../lock.ts";
import { removeOwnCgroups } from "./cgroups.ts";
import { findDaemon, stopDaemon } from "./daemon.ts";
import { type Engine, findEngine } from "./engine.ts";
import { restoreHostSettings } from "./host-settings.ts";
import { builderPrefix } from "./labels.ts";
import { imageLock } from "./machine-image.ts";
import { removeBuilders } from "./old-images.ts";

export interface IdleEngineOptions {
  home?: string;
  /** Whether some command is at work that may use the engine, also when it has made nothing on it yet. */
  inUse: () => Promise<boolean>;
  onProgress?: (text: string) => void;
}

/**
 * Ends the private daemon when nothing is on it and nobody works with it, as `tandem down` of the last stack does: for a
 * command that came to its end before it had made a machine. The machine image and the unpacked programs stay. A daemon
 * that was killed is left alone: without it nobody knows what containers it had. Kernel settings go back as well: the last
 * stack leaves both to a command that was at work as it went. Routes go with each stack's network.
 *
 * @returns whether the daemon was ended
 */
export async function endIdleEngine({ home = tandemHome(), inUse, onProgress }: IdleEngineOptions): Promise<boolean> {
  const folder = engineDir(home);
  // Before the lock as well: whoever starts the daemon holds it, for minutes where packages are fetched first.
  if (!(await findDaemon(folder)) || (await inUse())) return false;
  // A command that comes now waits for the lock in `ensureEngine`, and starts a daemon of its own.
  return withLock(join(folder, "lock"), undefined, async () => {
    const engine = (await findDaemon(folder)) && (await findEngine({ home }));
    if (!engine) return false;
    try {
      if ((await inUse()) || (await isHeld(imageLock(engine))) || !(await isEmpty(engine))) return false;
      onProgress?.("ending the private container daemon: no machine is on it");
      await removeBuilders(engine);
    } finally {
      await engine.api.close();
    }
    await restoreHostSettings(home);
    await stopDaemon(folder);
    await removeOwnCgroups(home);
    return true;
  });
}

/** Whether there is neither a container nor a network, whoever made it; what a killed build left does not count. */
async function isEmpty(engine: Engine): Promise<boolean> {
  const [containers, networks] = await Promise.all([
    engine.api.call<{ Names: string[] }[]>("GET", "/containers/json", { query: { all: "true" } }),
    engine.api.call<unknown[]>("GET", "/networks", { query: { filters: JSON.stringify({ type: ["custom"] }) } }),
  ]);
  const builder = `/${builderPrefix(engine)}`;
  return networks.length === 0 && containers.every(({ Names }) => Names[0]?.startsWith(builder));
}
