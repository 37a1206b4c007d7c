/** One build as far as it has come. */
export interface BuildWork {
  packages: number;
  compiled: number;
  linkMs: number;
  done: boolean;
}

/** Wall time for one compiled package when nothing is known yet: two cores, measured over all builds from empty caches. */
export const DEFAULT_MS_PER_PACKAGE = 110;

// Fewer packages than these say little: the first ones are small and wait for the modules.
const TRUSTED_AFTER = 200;

/**
 * How long the rest takes, from how long it took so far. The measure is the compiled package: the pace of this run counts
 * the more, the more of it is done; before that the pace of the last run, or the default.
 */
export function remainingMs(
  builds: readonly BuildWork[],
  elapsedMs: number,
  usualMsPerPackage: number = DEFAULT_MS_PER_PACKAGE,
): number {
  const compiled = sum(builds, (build) => build.compiled);
  const linkedMs = sum(builds, (build) => (build.done ? build.linkMs : 0));
  const left = sum(builds, (build) => (build.done ? 0 : Math.max(0, build.packages - build.compiled)));
  const linkLeftMs = sum(builds, (build) => (build.done ? 0 : build.linkMs));
  const observed = compiled === 0 ? usualMsPerPackage : Math.max(0, elapsedMs - linkedMs) / compiled;
  const trust = Math.min(1, compiled / TRUSTED_AFTER);
  return Math.round(left * (trust * observed + (1 - trust) * usualMsPerPackage) + linkLeftMs);
}

function sum(builds: readonly BuildWork[], value: (build: BuildWork) => number): number {
  return builds.reduce((total, build) => total + value(build), 0);
}
