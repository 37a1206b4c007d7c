import { tandemHome } from "../../machines/home.ts";
import { type Engine, ensureEngine } from "../../machines/local/engine.ts";

let opened: Promise<Engine> | undefined;

/** The container engine, found once per process: five machines are made at the same time. */
export function localEngine(): Promise<Engine> {
  opened ??= ensureEngine({ home: tandemHome() }).catch((error) => {
    opened = undefined;
    throw error;
  });
  return opened;
}
