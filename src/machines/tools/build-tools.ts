import { mkdir, rm } from "node:fs/promises";
import { totalmem } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { toolsDir } from "../home.ts";
import { assertSpace } from "../local/host-settings.ts";
import { together } from "../together.ts";
import { buildKey } from "./build-key.ts";
import { catalogue, type GoBuild, type ToolName, toolNames } from "./catalogue.ts";
import { type BuildWork, remainingMs } from "./eta.ts";
import { type GoCommand, goBuild } from "./go-build.ts";
import { goCaches, readPace, writePace } from "./go-caches.ts";
import type { OnToolProgress } from "./progress.ts";
import { keepTool, type ToolRecord, toolFolder } from "./tool-cache.ts";

// Linking Kubernetes takes 2 GB beside two compilers: on less memory one module after the other.
const TWO_LANES_FROM_BYTES = 7 * 2 ** 30;

// Go's two caches while all is built from nothing, with room to spare: 2.2 GB of modules, 4 GB of packages, the programs.
const LARGE_GIB = 8;
const SMALL_GIB = 2;

export interface PlannedBuild {
  name: ToolName;
  build: GoBuild;
  work: BuildWork;
}

/**
 * What to build, module by module: programs of one module follow each other, so that the later ones find their common
 * packages compiled. Two modules at a time fill the time in which one links or fetches; they share next to nothing.
 */
export function planBuilds(
  names: readonly ToolName[],
  twoLanes: boolean = totalmem() >= TWO_LANES_FROM_BYTES,
): PlannedBuild[][] {
  const modules = new Map<string, PlannedBuild[]>();
  for (const name of toolNames.filter((tool) => names.includes(tool))) {
    const { build } = catalogue[name];
    if (build === undefined) continue;
    const siblings = modules.get(build.module) ?? [];
    modules.set(build.module, siblings);
    const packages = siblings.length > 0 ? (build.packagesAfterSiblings ?? build.packages) : build.packages;
    siblings.push({ name, build, work: { packages, compiled: 0, linkMs: build.linkMs, done: false } });
  }
  const [longest = [], ...rest] = modules.values();
  const lanes = twoLanes ? [longest, rest.flat()] : [[longest, ...rest].flat()];
  return lanes.filter((lane) => lane.length > 0);
}

export interface BuildOptions {
  home?: string | undefined;
  onProgress?: OnToolProgress | undefined;
  signal?: AbortSignal | undefined;
}

/** The time that `planBuilds` is expected to take here. */
export async function estimateMs(lanes: readonly PlannedBuild[][], home?: string): Promise<number> {
  return remainingMs(
    lanes.flat().map(({ work }) => work),
    0,
    await readPace(home),
  );
}

/** Builds programs and puts each into the cache as soon as it is done: an interrupted run goes on with the next one. */
export async function buildTools(
  lanes: readonly PlannedBuild[][],
  go: GoCommand,
  options: BuildOptions,
): Promise<ToolRecord[]> {
  const { home, onProgress } = options;
  const caches = goCaches(home);
  await assertSpace(
    toolsDir(home),
    lanes.flat().some(({ work }) => work.packages > 1000) ? LARGE_GIB : SMALL_GIB,
    "building tools",
  );
  const pace = await readPace(home);
  const works = lanes.flat().map(({ work }) => work);
  const earlier = await caches.readCompiled();
  for (const { name, work } of lanes.flat()) work.packages = Math.max(1, work.packages - (earlier[name] ?? 0));
  const started = performance.now();
  const eta = () => remainingMs(works, performance.now() - started, pace);

  const buildOne = async ({ name, build, work }: PlannedBuild, signal: AbortSignal): Promise<ToolRecord> => {
    const begun = performance.now();
    let modules = 0;
    const report = () => {
      const packages = Math.max(work.packages, work.compiled);
      onProgress?.({ kind: "build", name, modules, compiled: work.compiled, packages, etaMs: eta() });
    };
    const folder = toolFolder(name, home);
    const out = join(folder, `${name}.part`);
    await mkdir(folder, { recursive: true });
    // Read before the build: a module that changes meanwhile must not pass for built.
    const key = await buildKey(build);
    report();
    const onModule = () => {
      modules += 1;
      report();
    };
    const onPackage = () => {
      work.compiled += 1;
      report();
    };
    try {
      await goBuild(name, build, { go, out, caches: caches.env, onModule, onPackage, signal });
      const record = await keepTool(name, out, { key, origin: "build", from: `go${go.version}` }, home);
      work.done = true;
      const tookMs = performance.now() - begun;
      onProgress?.({ kind: "done", name, version: record.version, source: "build", bytes: record.bytes, tookMs });
      return record;
    } finally {
      await rm(out, { force: true });
    }
  };
  const runLane = (lane: readonly PlannedBuild[]) => async (signal: AbortSignal) => {
    const records: ToolRecord[] = [];
    for (const planned of lane) records.push(await buildOne(planned, signal));
    return records;
  };
  let records: ToolRecord[];
  try {
    records = (await together(options.signal, lanes.map(runLane))).flat();
  } catch (error) {
    const halfDone = lanes.flat().filter(({ work }) => !work.done);
    const compiled = halfDone.map(({ name, work }) => [name, work.compiled + (earlier[name] ?? 0)]);
    await caches.writeCompiled(Object.fromEntries(compiled));
    throw error;
  }
  // A run that went on where another was is no measure.
  if (Object.keys(earlier).length === 0) await savePace(works, performance.now() - started, home);
  await caches.remove();
  return records;
}

/** Only a run that compiled nearly all says how long a package takes. */
async function savePace(works: readonly BuildWork[], tookMs: number, home?: string): Promise<void> {
  const total = (of: (work: BuildWork) => number) => works.reduce((sum, work) => sum + of(work), 0);
  const compiled = total((work) => work.compiled);
  if (compiled < 500 || compiled < 0.9 * total((work) => work.packages)) return;
  await writePace(Math.max(1, tookMs - total((work) => work.linkMs)) / compiled, home);
}
