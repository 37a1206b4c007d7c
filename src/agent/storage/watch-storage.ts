import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Evidence } from "../../health/evidence.ts";
import { monitorState } from "../monitor-state.ts";
import type { Emit, Source } from "../source.ts";
import { diskRoom, parseMeminfo } from "./disk-room.ts";
import { readFolder } from "./read-folder.ts";

export interface WatchStorageOptions {
  /** The server's own file system as this process sees it; `""` is the same one. */
  root: string;
  /** Folders of the server, by what an engine keeps there. */
  folders: { folder: "weights" | "kernel-cache"; path: string }[];
  /** `df`, or the words that run it in the server's own file system; null where disks are not watched. */
  df: readonly string[] | null;
  /** Root of the tree that has `meminfo`; null where memory is not watched. */
  proc: string | null;
  everyMs: number;
  timeoutMs: number;
  emit: Emit;
}

/**
 * Of so many looks one asks for the room on disks: it fills up over minutes, and each answer takes a process. Each does while an
 * answer is missing.
 */
const ROOM_EVERY = 3;
/** Changes of room below this share are told nobody: logs grow all day. */
const WORTH_TELLING = 0.01;

/**
 * Watches what the next start of an engine on this server would need: its weights, its compiled kernels, room on disk and in
 * memory. A running engine does not notice that a shard is gone; the standby that must load it does, at the worst time.
 */
export function watchStorage(options: WatchStorageOptions): Source {
  const { root, folders, df, proc, everyMs, timeoutMs, emit } = options;
  const tell = monitorState(emit, "storage");
  const told = new Map<string, string>();
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  let looks = 0;
  let problem: { trouble: "hung" | "failed"; why: string } | null = null;

  const report = (subject: string, version: string, evidence: Evidence) => {
    if (stopped || told.get(subject) === version) return;
    told.set(subject, version);
    emit(evidence);
  };
  const look = async (): Promise<void> => {
    let at = "";
    const hung = setTimeout(() => tell("hung", `${at} is not answered`), timeoutMs);
    const asksRoom = looks++ % ROOM_EVERY === 0 || problem !== null;
    if (asksRoom) problem = null;
    try {
      for (const { folder, path } of folders) {
        at = path;
        const content = await readFolder(join(root, path));
        const detail = content.state === "missing" ? `there is no ${path}` : content.detail;
        report(folder, JSON.stringify(content), { kind: "folder", folder, path, ...content, detail });
      }
      for (const path of df === null || !asksRoom ? [] : ["/", ...folders.map((folder) => folder.path)]) {
        at = path;
        const answer = await diskRoom(df ?? [], path, timeoutMs);
        // What is missing is told by its folder already.
        if ("room" in answer)
          report(`disk ${path}`, coarse(answer.room.freeBytes, answer.room.totalBytes), {
            kind: "disk",
            path,
            ...answer.room,
          });
        else if (answer.trouble !== "no-path") problem ??= { trouble: answer.trouble, why: answer.why };
      }
      const memory = proc === null ? null : parseMeminfo(await readFile(join(proc, "meminfo"), "utf8"));
      if (memory !== null)
        report("memory", coarse(memory.availableBytes, memory.totalBytes), { kind: "memory", ...memory });
      if (problem === null) tell("working");
      else tell(problem.trouble, problem.why);
    } catch (error) {
      tell("failed", (error as Error).message.slice(0, 200));
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

const coarse = (free: number, total: number) => String(Math.round(free / Math.max(1, total * WORTH_TELLING)));
