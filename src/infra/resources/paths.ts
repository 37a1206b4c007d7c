type Tree = { [key: string]: unknown };

function isTree(value: unknown): value is Tree {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function valueAt(tree: unknown, steps: readonly string[]): unknown {
  return steps.reduce<unknown>((here, step) => (isTree(here) ? here[step] : undefined), tree);
}

/**
 * A manifest in which the fields at `paths` (`spec.replicas`) have their live value, where there is one. Somebody else
 * moves them after the create; applying our first value again would undo that.
 */
export function takeOver<Manifest extends object>(
  manifest: Manifest,
  live: object,
  paths: readonly string[],
): Manifest {
  const result = structuredClone(manifest);
  for (const path of paths) {
    const steps = path.split(".");
    const value = valueAt(live, steps);
    const parent = valueAt(result, steps.slice(0, -1));
    const last = steps.at(-1);
    if (value !== undefined && isTree(parent) && last !== undefined) parent[last] = structuredClone(value);
  }
  return result;
}
