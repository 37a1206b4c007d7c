import type { Draft } from "../draft.ts";
import { formatPath, type Problem, problem, type SpecPath } from "../problem.ts";

/** Directories that are empty after a restart, belong to the system, or hold no 690 GB. */
const UNFIT = ["/bin", "/boot", "/dev", "/etc", "/lib", "/proc", "/run", "/sbin", "/sys", "/tmp", "/usr"];

/** The weights lie in a directory of their own that survives a restart. */
export function weightsRules(spec: Draft): Problem[] {
  const places: readonly [SpecPath, string | undefined][] = [
    [["model", "weights"], spec.model?.weights],
    [["failover", "degraded", "weights"], spec.failover?.degraded?.weights],
  ];
  return places.flatMap(([path, directory]) => {
    const why = directory === undefined ? undefined : reasonAgainst(directory);
    if (why === undefined) return [];
    return [
      problem("E_SPEC_WEIGHTS", path, {
        what: `${formatPath(path)} is ${JSON.stringify(directory)}`,
        why,
        fix: "name the directory of the checkpoint on local NVMe, the same on every server, e.g. /models/deepseek-v3",
      }),
    ];
  });
}

function reasonAgainst(directory: string): string | undefined {
  const trimmed = directory.replace(/\/+$/, "");
  if (trimmed === "") return "the whole disk would be mounted into the engine's container";
  if (/\/\.{1,2}(\/|$)/.test(directory)) return "`.` and `..` in it make two spellings of one directory";
  if (/[\s:,"'\\]/.test(directory))
    return "white space, quotes, colons and commas are not safe in mounts and command lines";
  const unfit = UNFIT.find((prefix) => trimmed === prefix || trimmed.startsWith(`${prefix}/`));
  return unfit && `${unfit} belongs to the system or is emptied at a restart`;
}
