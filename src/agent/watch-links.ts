import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { untilAligned } from "../stream/aligned-timer.ts";
import { HeldFile } from "./held-file.ts";
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

interface Port {
  device: string;
  port: number;
  path: string;
  state: HeldFile;
  downed: HeldFile;
  rate: HeldFile;
}
type Link = { device: string; port: number; state: "up" | "down"; downCount: number; rateGbps: number | null };

/** Which cards and ports there are, and how fast they are, changes once a year, and is half of what there is to read. */
const LIST_EVERY = 10;
/** A card whose firmware is dead answers a read of its state after a minute, if at all. */
const HUNG_MS = 3_000;

/**
 * Follows the ports of InfiniBand and RoCE cards. Files are held open and read one after the other on another thread: one
 * card that hangs takes one thread, and is told.
 */
export function watchLinks({ root, everyMs, devices = [], emit }: WatchLinksOptions): Source {
  const tell = monitorState(emit, "infiniband");
  const told = new Map<string, Link>();
  const folder = join(root, "class", "infiniband");
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  let ports: Port[] = [];
  let looks = 0;
  let looking = false;

  const letGo = () => {
    for (const { state, downed, rate } of ports) for (const file of [state, downed, rate]) file.close();
  };

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
    looking = true;
    try {
      const fresh = looks++ % LIST_EVERY === 0;
      if (fresh) {
        letGo();
        ports = await portsOf(folder, devices);
      }
      for (const one of ports) {
        const { device, port, path } = one;
        at = path;
        const before = told.get(`${device}/${port}`);
        const known = fresh || before?.state !== "up" ? undefined : before;
        const link = await readLink(one, known);
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
      looking = false;
      if (stopped) letGo();
      else timer = setTimeout(look, untilAligned(everyMs, Date.now()));
    }
  };
  void look();
  return {
    stop() {
      stopped = true;
      clearTimeout(timer);
      if (!looking) letGo();
    },
  };
}

async function portsOf(folder: string, wanted: readonly string[]): Promise<Port[]> {
  const found: Port[] = [];
  for (const device of (await names(folder)).filter((name) => wanted.length === 0 || wanted.includes(name)))
    for (const port of await names(join(folder, device, "ports"))) {
      const path = join(folder, device, "ports", port);
      const file = (...name: string[]) => new HeldFile(join(path, ...name));
      const files = { state: file("state"), downed: file("counters", "link_downed"), rate: file("rate") };
      found.push({ device, port: Number(port), path, ...files });
    }
  return found;
}

/**
 * null where there is no such port.
 *
 * @param known the port as it was a moment ago: one that stays up keeps its rate
 */
async function readLink({ device, port, ...files }: Port, known?: Link): Promise<Link | null> {
  const state = await files.state.text();
  if (state === "") return null;
  // RoCE cards have no counter of this kind.
  const downCount = Number(await files.downed.text());
  return {
    device,
    port,
    state: state.startsWith("4: ACTIVE") ? "up" : "down",
    downCount: Number.isFinite(downCount) ? downCount : 0,
    rateGbps: known === undefined ? rateOf(await files.rate.text()) : known.rateGbps,
  };
}

function rateOf(text: string): number | null {
  const rate = /^(\d+(?:\.\d+)?) Gb\/sec/.exec(text)?.[1];
  return rate === undefined ? null : Number(rate);
}

async function names(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}
