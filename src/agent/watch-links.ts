import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { monitorState } from "./monitor-state.ts";
import type { Emit, Source } from "./source.ts";

export interface WatchLinksOptions {
  /** `/sys`, or a tree like it. */
  root: string;
  everyMs: number;
  /** The cards to follow; all if empty. A port of another network that nobody has plugged in is no fault of the engine's. */
  devices?: readonly string[];
  emit: Emit;
}

type Port = { device: string; port: number; path: string };
type Link = { device: string; port: number; state: "up" | "down"; downCount: number; rateGbps: number | null };

/** Which cards and ports there are, and how fast they are, changes once a year, and is half of what there is to read. */
const LIST_EVERY = 10;
/** A card whose firmware is dead answers a read of its state after a minute, if at all. */
const HUNG_MS = 3_000;

/**
 * Follows the ports of InfiniBand and RoCE cards. Files are read one after the other on another thread: one card that
 * hangs takes one thread, and is told.
 */
export function watchLinks({ root, everyMs, devices = [], emit }: WatchLinksOptions): Source {
  const tell = monitorState(emit, "infiniband");
  const told = new Map<string, Link>();
  const folder = join(root, "class", "infiniband");
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  let ports: Port[] = [];
  let looks = 0;

  const report = (link: Link) => {
    const key = `${link.device}/${link.port}`;
    const before = told.get(key);
    if (before !== undefined && JSON.stringify(before) === JSON.stringify(link)) return;
    told.set(key, link);
    emit({ kind: "link", ...link });
  };
  const look = async (): Promise<void> => {
    let at = folder;
    const hung = setTimeout(() => tell("hung", `${at} is not answered`), HUNG_MS);
    try {
      const fresh = looks++ % LIST_EVERY === 0;
      if (fresh) ports = await portsOf(folder, devices);
      for (const { device, port, path } of ports) {
        at = path;
        const before = told.get(`${device}/${port}`);
        const known = fresh || before?.state !== "up" ? undefined : before;
        const link = await readLink(path, device, port, known);
        // A card that fell off the bus leaves no file behind that could say so.
        if (!stopped && link !== null) report(link);
        else if (!stopped && before !== undefined) report({ ...before, state: "down" });
      }
      if (stopped) return;
      const here = new Set(ports.map(({ device, port }) => `${device}/${port}`));
      for (const [key, link] of told) if (!here.has(key)) report({ ...link, state: "down" });
      tell("working");
    } catch (error) {
      if (!stopped) tell("failed", (error as Error).message);
    } finally {
      clearTimeout(hung);
      if (!stopped) timer = setTimeout(look, everyMs);
    }
  };
  void look();
  return {
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}

async function portsOf(folder: string, wanted: readonly string[]): Promise<Port[]> {
  const found: Port[] = [];
  for (const device of (await names(folder)).filter((name) => wanted.length === 0 || wanted.includes(name)))
    for (const port of await names(join(folder, device, "ports")))
      found.push({ device, port: Number(port), path: join(folder, device, "ports", port) });
  return found;
}

/**
 * null where there is no such port.
 *
 * @param known the port as it was a moment ago: one that stays up keeps its rate
 */
async function readLink(path: string, device: string, port: number, known?: Link): Promise<Link | null> {
  const state = await text(join(path, "state"));
  if (state === "") return null;
  const downCount = Number(await text(join(path, "counters", "link_downed")));
  return {
    device,
    port,
    state: state.startsWith("4: ACTIVE") ? "up" : "down",
    downCount: Number.isFinite(downCount) ? downCount : 0,
    rateGbps: known === undefined ? rateOf(await text(join(path, "rate"))) : known.rateGbps,
  };
}

function rateOf(text: string): number | null {
  const rate = /^(\d+(?:\.\d+)?) Gb\/sec/.exec(text)?.[1];
  return rate === undefined ? null : Number(rate);
}

/** RoCE cards have no counters of this kind, and a file can go while we read: both are no failure. */
async function text(path: string): Promise<string> {
  return (await readFile(path, "utf8").catch(() => "")).trim();
}

async function names(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}
