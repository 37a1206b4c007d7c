import { type ChildProcess, spawn } from "node:child_process";
import type { Socket } from "node:net";
import { fileURLToPath } from "node:url";
import { onLines } from "./lines.ts";

/** Why a rank process is gone: Node's `exit` event. */
export interface RankExit {
  rank: number;
  title: string;
  pid: number;
  code: number | null;
  signal: NodeJS.Signals | null;
}

/** The rank processes of one server, joined by pipes into a ring that every step passes through. */
export interface RankRing {
  pids: readonly { rank: number; title: string; pid: number }[];
  /** Resolves when every rank has passed the step on. Never resolves while a rank is stopped or dead. */
  step(): Promise<void>;
  kill(): void;
}

const SCRIPT = process.env.EMULATOR_RANK_SCRIPT ?? fileURLToPath(new URL("./rank.sh", import.meta.url));

/** SGLang's process title (managers/scheduler.py:6279-6294); the data-parallel and expert parts show only where used. */
export function rankTitle(
  rank: number,
  layout: { tpSize: number; ppSize: number; attnDpSize: number; epSize: number },
): string {
  const tpRank = rank % layout.tpSize;
  let title = "sglang::scheduler";
  if (layout.attnDpSize > 1) title += `_DP${Math.floor(tpRank / (layout.tpSize / layout.attnDpSize))}`;
  if (layout.ppSize > 1) title += `_PP${Math.floor(rank / layout.tpSize)}`;
  title += `_TP${tpRank}`;
  if (layout.epSize > 1) title += `_EP${Math.floor(tpRank / (layout.tpSize / layout.epSize))}`;
  return title;
}

/**
 * Starts one process a rank, in this process's group as SGLang's spawned children are. `onExit` is called once for each
 * rank that ends, also after `kill()`.
 */
export function startRanks(
  titles: readonly { rank: number; title: string }[],
  onExit: (exit: RankExit) => void,
): RankRing {
  const children: ChildProcess[] = [];
  let upstream: Socket | null = null;
  for (const { rank, title } of titles) {
    const child: ChildProcess = spawn("/bin/sh", [SCRIPT], {
      argv0: title,
      env: { RANK_COMM: title.slice(0, 15) },
      stdio: [upstream ?? "pipe", "pipe", "ignore"],
    });
    // The child holds its own copy; ours would steal steps meant for the next rank and hide the end of the last one.
    upstream?.destroy();
    upstream = child.stdout as Socket;
    child.on("error", () => onExit({ rank, title, pid: child.pid ?? -1, code: 127, signal: null }));
    child.on("exit", (code, signal) => onExit({ rank, title, pid: child.pid ?? -1, code, signal }));
    children.push(child);
  }
  const input = children[0]?.stdin;
  if (input === null || input === undefined || upstream === null) throw new Error("a server needs at least one rank");
  input.on("error", () => {});
  upstream.on("error", () => {});
  const waiting = new Map<string, () => void>();
  onLines(upstream, (line) => {
    waiting.get(line)?.();
    waiting.delete(line);
  });
  let number = 0;
  return {
    pids: titles.map(({ rank, title }, at) => ({ rank, title, pid: children[at]?.pid ?? -1 })),
    step: () =>
      new Promise((resolve) => {
        const id = String(++number);
        waiting.set(id, resolve);
        input.write(`${id}\n`);
      }),
    kill: () => {
      for (const child of children) child.kill("SIGKILL");
    },
  };
}
