import { access } from "node:fs/promises";
import { join } from "node:path";
import { engineDir, tandemHome } from "../home.ts";
import { ENGINE_PACKAGES } from "./debian-packages.ts";
import { findEngine } from "./engine.ts";
import { plannedHostSettings } from "./host-settings.ts";
import { SPACE_GIB } from "./machine-image.ts";

/** What local machines would do to this computer, to be shown before it is done. */
export interface LocalIntent {
  engine: { kind: "host" | "private"; version?: string; running: boolean };
  /** Debian packages that are unpacked under TANDEM_HOME; empty when they are there or not needed. Never installed. */
  packages: readonly string[];
  /** Kernel settings that change while machines run, and go back when the last one is gone. */
  sysctls: { name: string; present: string; wanted: string }[];
  diskGib: number;
}

/** Looks and changes nothing. @throws TandemError as `findEngine`, for a Docker that cannot be used. */
export async function localIntent(machines: number, home: string = tandemHome()): Promise<LocalIntent> {
  const engine = await findEngine({ home });
  await engine?.api.close();
  const unpacked = await access(join(engineDir(home), "packages.json")).then(
    () => true,
    () => false,
  );
  return {
    engine: engine
      ? { kind: engine.kind, version: engine.version, running: true }
      : { kind: "private", running: false },
    packages: engine || unpacked ? [] : ENGINE_PACKAGES,
    sysctls: await plannedHostSettings(machines),
    diskGib: SPACE_GIB,
  };
}
