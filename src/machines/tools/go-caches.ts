import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { toolsDir } from "../home.ts";

/** Where Go keeps what it compiled and fetched while tools are built. */
export interface GoCaches {
  env: Record<string, string>;
  /** Called when all that was wanted is built: several GB of use to nobody. A build that broke off finds them again. */
  remove: () => Promise<void>;
}

/**
 * Caches below TANDEM_HOME, so that nothing of this computer grows. `TANDEM_KEEP_GO_CACHE=1` takes the person's own Go
 * caches instead and leaves them: a changed module is then compiled in seconds (developers, CI with a saved cache).
 */
export function goCaches(home?: string): GoCaches {
  if (process.env.TANDEM_KEEP_GO_CACHE === "1") return { env: {}, remove: async () => {} };
  const folder = join(toolsDir(home), ".go");
  return {
    env: { GOCACHE: join(folder, "build"), GOMODCACHE: join(folder, "modules") },
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

/** The pace of the last builds from empty caches on this computer, for the next ETA. */
export async function readPace(home?: string): Promise<number | undefined> {
  const text = await readFile(pacePath(home), "utf8").catch(() => undefined);
  return text === undefined ? undefined : (JSON.parse(text) as { msPerPackage: number }).msPerPackage;
}

/** Keeps it, whole or not at all. */
export async function writePace(msPerPackage: number, home?: string): Promise<void> {
  const path = pacePath(home);
  await mkdir(toolsDir(home), { recursive: true });
  await writeFile(`${path}.part`, `${JSON.stringify({ msPerPackage })}\n`);
  await rename(`${path}.part`, path);
}

function pacePath(home?: string): string {
  return join(toolsDir(home), "pace.json");
}
