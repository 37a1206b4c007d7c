import { ensureHostPrograms, HOST_PROGRAMS, missingPrograms } from "../../machines/local/host-programs.ts";
import type { ClusterSpec } from "../../spec/schema.ts";
import type { Phase } from "./phases.ts";

/** What a way of provisioning needs of this computer itself. */
const NEEDED: Record<ClusterSpec["provision"]["kind"], readonly string[]> = {
  local: Object.keys(HOST_PROGRAMS),
  ssh: ["ssh"],
  existing: [],
};

/**
 * Installs the programs that an update starts and that are not here. On a terminal it asks first, by the rule of `npm start`.
 *
 * @throws TandemError E_HOST_PROGRAMS
 */
export async function ensurePrograms(
  { provision }: Pick<ClusterSpec, "provision">,
  phase: Phase,
  signal: AbortSignal,
): Promise<void> {
  const missing = await missingPrograms(NEEDED[provision.kind]);
  if (missing.length === 0) return;
  const programs = Object.fromEntries(missing.map((name) => [name, HOST_PROGRAMS[name] ?? name]));
  const { agreed } = await import("../start/ask.ts");
  const agree = (question: string) => agreed(question, false);
  await phase("programs of this computer", (say) => ensureHostPrograms({ onProgress: say, signal, programs, agree }));
}
