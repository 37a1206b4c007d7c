import { readFileSync } from "node:fs";

/** What is done on a server, by the name of its file in `scripts/`: an editor and `bash -n` can read them there. */
export type ScriptName =
  | "rank-crash"
  | "engine-hang"
  | "gpu-lines"
  | "server-freeze"
  | "network-cut"
  | "ib-down"
  | "kill-program"
  | "api-server-down"
  | "undo"
  | "has-address";

/** The text of a script, with the functions that all share. */
export function scriptText(name: ScriptName): string {
  return `${read("lib")}\n${read(name)}`;
}

function read(name: string): string {
  return readFileSync(new URL(`./scripts/${name}.sh`, import.meta.url), "utf8");
}
