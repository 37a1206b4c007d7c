type Tree = { [key: string]: unknown };

const isTree = (value: unknown): value is Tree => typeof value === "object" && value !== null && !Array.isArray(value);

/**
 * The manifest as the cluster has it: unchanged where applying it again would change nothing, with the live values where
 * it would. The dry run does the comparing, so that values which the API server writes in another form (`1000m` and `1`)
 * do not count as drift.
 *
 * @param dryRun what the API server would store if the manifest was applied now
 */
export function drifted(manifest: unknown, live: unknown, dryRun: unknown): unknown {
  if (isTree(manifest) && isTree(dryRun)) {
    const here = isTree(live) ? live : {};
    const entries = Object.entries(manifest).flatMap(([key, value]) => {
      if (same(here[key], dryRun[key])) return [[key, value] as const];
      return here[key] === undefined ? [] : [[key, drifted(value, here[key], dryRun[key])] as const];
    });
    return Object.fromEntries(entries);
  }
  return same(live, dryRun) ? manifest : live;
}

function same(a: unknown, b: unknown): boolean {
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((item, at) => same(item, b[at]));
  if (!isTree(a) || !isTree(b)) return a === b;
  const keys = new Set([...Object.keys(a), ...Object.keys(b)]);
  // Both move with every write, also with one that changes nothing else.
  for (const moving of ["managedFields", "resourceVersion", "generation"]) keys.delete(moving);
  return [...keys].every((key) => same(a[key], b[key]));
}
