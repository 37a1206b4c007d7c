import { existsSync } from "node:fs";
import { statfs } from "node:fs/promises";
import { createInterface } from "node:readline/promises";
import { tandemHome } from "../../machines/home.ts";
import { HOST_PROGRAMS, missingPrograms } from "../../machines/local/host-programs.ts";
import { plannedHostSettings } from "../../machines/local/host-settings.ts";
import { catalogue, type ToolName } from "../../machines/tools/catalogue.ts";
import { findTool } from "../../machines/tools/resolve.ts";

/** What a first start does to this computer, worked out from what is there. */
export interface Intrusion {
  packages: string[];
  tools: string[];
  settings: { name: string; present: string; wanted: string }[];
  freeGiB: number;
  /** From the least to the most. */
  minutes: readonly [number, number];
}

/** Measured on two cores, the drill with them: what the README says. With all tools there only the cluster is left. */
const MINUTES = { first: [12, 23], later: [2, 4] } as const;
/** Tools 0.3 GB, the engine and its images 2 GB, Go's caches while it builds 6 GB. */
export const WANTED_GIB = 10;

export async function intrusionOf(machines: number): Promise<Intrusion> {
  const names = Object.keys(catalogue).filter((name) => name !== "go") as ToolName[];
  const found = await Promise.all(names.map((name) => findTool(name)));
  const tools = names.filter((_name, at) => found[at] === undefined);
  const missing = await missingPrograms(Object.keys(HOST_PROGRAMS));
  const settings = await plannedHostSettings(machines);
  const { bavail, bsize } = await statfs(nearestFolder(tandemHome()));
  return {
    packages: [...new Set(missing.map((program) => HOST_PROGRAMS[program] ?? program))],
    tools,
    settings,
    freeGiB: (bavail * bsize) / 2 ** 30,
    minutes: tools.length > 0 ? MINUTES.first : MINUTES.later,
  };
}

/** The list as a person reads it before saying yes. */
export function describeIntrusion({ packages, tools, settings, freeGiB, minutes }: Intrusion): string {
  const lines = [
    packages.length > 0 ? `installs ${packages.join(", ")} with apt` : "installs no package",
    tools.length > 0 ? `fetches or builds ${tools.join(", ")} under ${tandemHome()}` : "has all tools already",
    "starts a private container daemon under the same folder, if no Docker runs here",
    ...settings.map(
      ({ name, present, wanted }) => `sets ${name} to ${wanted} (now ${present}; put back by \`tandem down\`)`,
    ),
    `uses up to ${WANTED_GIB} GiB of disk (${freeGiB.toFixed(0)} GiB free) and 3 GiB of memory`,
    `takes ${minutes.join(" to ")} minutes on two cores`,
  ];
  return lines.map((line) => `  - ${line}\n`).join("");
}

/** Asks once on a terminal; without one, and with `--yes`, the answer is yes. */
export async function agreed(text: string, yes: boolean): Promise<boolean> {
  if (yes || !process.stdin.isTTY || !process.stderr.isTTY) return true;
  process.stderr.write(text);
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^(y(es)?)?$/i.test((await terminal.question("Go on? [Y/n] ")).trim());
  } finally {
    terminal.close();
  }
}

function nearestFolder(path: string): string {
  // The folder itself is made later; its file system is that of the nearest one that exists.
  for (let at = path; ; at = at.slice(0, at.lastIndexOf("/")) || "/") {
    if (at === "/" || existsSync(at)) return at;
  }
}
