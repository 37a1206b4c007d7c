import { mkdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { toolsDir } from "../home.ts";
import { replaceFile } from "../replace-file.ts";
import type { ToolName } from "./catalogue.ts";

/** Where Go keeps what it compiled and fetched while tools are built. */
export interface GoCaches {
  env: Record<string, string>;
  /** Packages of each program that an interrupted run compiled already: Go does not name them again. */
  readCompiled: () => Promise<Partial<Record<ToolName, number>>>;
  writeCompiled: (compiled: Partial<Record<ToolName, number>>) => Promise<void>;
  /** Called when all that was wanted is built: several GB of use to nobody. A build that broke off finds them again. */
  remove: () => Promise<void>;
}

/**
 * Caches below TANDEM_HOME, so that nothing of this computer grows. `TANDEM_KEEP_GO_CACHE=1` takes the person's own Go
 * caches instead and leaves them: a changed module is then compiled in seconds (developers, CI with a saved cache).
 */
export function goCaches(home?: string): GoCaches {
  if (process.env.TANDEM_KEEP_GO_CACHE === "1") {
    return { env: {}, readCompiled: async () => ({}), writeCompiled: async () => {}, remove: async () => {} };
  }
  const folder = join(toolsDir(home), ".go");
  // Beside the caches that it tells of: both are there, or neither.
  const compiledPath = join(folder, "compiled.json");
  return {
    env: { GOCACHE: join(folder, "build"), GOMODCACHE: join(folder, "modules") },
    readCompiled: async () => JSON.parse(await readFile(compiledPath, "utf8").catch(() => "{}")),
    writeCompiled: async (compiled) => {
      await mkdir(folder, { recursive: true });
      await replaceFile(compiledPath, JSON.stringify(compiled));
    },
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
  await mkdir(toolsDir(home), { recursive: true });
  await replaceFile(pacePath(home), `${JSON.stringify({ msPerPackage })}\n`);
}

function pacePath(home?: string): string {
  return join(toolsDir(home), "pace.json");
}
