import { TandemError } from "../../errors.ts";

/** What `tandem init` was told, by flags or by answers; all as text, checked as a spec afterwards. */
export interface InitFlags {
  name?: string;
  provision?: string;
  servers?: string;
  gpu?: string;
  spares?: string;
  controlPlane?: string;
  group?: string[];
  model?: string;
  weights?: string;
  contextLength?: string;
  image?: string;
  optimizeFor?: string;
  interface?: string;
  rdma?: string;
  rdmaDevices?: string;
  gidIndex?: string;
  standby?: string;
  gateway?: string;
  gatewayOn?: string;
  user?: string;
  identityFile?: string;
  knownHosts?: string;
  kubeconfig?: string;
}

/** `a=10.0.0.11,b=10.0.0.12` as a map, in the order written. */
export function pairsOf(text: string, flag: string): Record<string, string> {
  const pairs = listOf(text).map((pair): [string, string] => {
    const [name = "", value = "", ...rest] = pair.split("=").map((part) => part.trim());
    if (name === "" || value === "" || rest.length > 0) throw badFlag(flag, pair, "gpu-a=10.0.0.11,gpu-b=10.0.0.12");
    return [name, value];
  });
  const twice = pairs.find(([name], index) => pairs.findIndex(([other]) => other === name) < index);
  if (twice !== undefined) throw badFlag(flag, `${twice[0]} twice`, "each name once");
  return Object.fromEntries(pairs);
}

/** `gpu-a,gpu-b` (commas or blanks) as a list. */
export function listOf(text: string): string[] {
  return text.split(/[\s,]+/).filter((word) => word !== "");
}

/** `a=gpu-a,gpu-b` and `b=…` as groups. */
export function groupsOf(texts: readonly string[]): Record<string, string[]> {
  const groups: Record<string, string[]> = {};
  for (const text of texts) {
    const [id = "", members, ...rest] = text.split("=");
    if (members === undefined || rest.length > 0 || Object.hasOwn(groups, id.trim())) {
      throw badFlag("--group", text, "a=gpu-a,gpu-b, once for each group");
    }
    groups[id.trim()] = listOf(members);
  }
  return groups;
}

function badFlag(flag: string, got: string, example: string): TandemError {
  return new TandemError({
    code: "E_INIT_FLAG",
    what: `${flag} cannot be read`,
    why: `it holds ${JSON.stringify(got)}`,
    fix: `write it as ${example}`,
  });
}
