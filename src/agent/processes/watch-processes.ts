import type { Evidence } from "../../health/evidence.ts";
import { alignedTimer } from "../../stream/aligned-timer.ts";
import { monitorState } from "../monitor-state.ts";
import type { Emit, Source } from "../source.ts";
import { Discovery, type FoundLauncher, type FoundRank } from "./discover.ts";
import { groupOfLeader } from "./engine-arguments.ts";
import { hostServices } from "./host-services.ts";
import { Proc } from "./proc.ts";
import type { ThreadStat } from "./thread-stat.ts";

export interface WatchProcessesOptions {
  root: string;
  match: string;
  /** The group of this server where the engine's command line does not tell it. */
  group: string | null;
  emit: Emit;
  monoMs(): number;
  /** The engine of this server came or went: the source of engine evidence follows it. */
  onEngine(launcher: (FoundLauncher & { group: string }) | null): void;
  wallMs(): number;
  pollMs: number;
  scanMs: number;
}

interface Watched {
  found: { pid: number; startTicks: number };
  stat: ThreadStat;
  state: "running" | "stopped";
  evidence(state: "running" | "stopped" | "exited"): Evidence;
}

/**
 * Watches every rank process and its launcher. A poll reads one small file of each, which takes some microseconds and
 * cannot hang; there is no notification in Linux that a program without native code could wait for.
 */
export function watchProcesses(options: WatchProcessesOptions): Source {
  const { emit, monoMs, wallMs, onEngine, pollMs, scanMs } = options;
  const proc = new Proc(options.root);
  const tell = monitorState(emit, "processes");
  const watched = new Map<number, Watched>();
  const services = hostServices(emit);
  let hung = "";
  const groupOf = ({ engine }: FoundLauncher) => options.group ?? groupOfLeader(engine.leader) ?? "unknown";

  const add = (found: Watched["found"], evidence: Watched["evidence"]): boolean => {
    const stat = proc.openStat(found.pid);
    if (stat === null) return false;
    // Between its discovery and now it may have ended and its number may be another's.
    const read = stat.read();
    if (read?.startTicks !== found.startTicks || read.ended) {
      stat.close();
      return false;
    }
    watched.set(found.pid, { found, stat, state: "running", evidence });
    emit(evidence("running"));
    return true;
  };
  const onFound = ({ pid, startTicks, rank, launcher }: FoundRank) => {
    const group = groupOf(launcher);
    if (!watched.has(launcher.pid)) {
      const added = add(launcher, (state) => ({
        kind: "engine-process",
        group,
        pid: launcher.pid,
        // A stopped launcher stops nothing by itself; its ranks say how they are.
        state: state === "exited" ? "exited" : "running",
      }));
      if (added) onEngine({ ...launcher, group });
    }
    const startedMonoMs = startTicks * MS_PER_TICK;
    add({ pid, startTicks }, (state) => ({ kind: "rank", group, rank, pid, state, startedMonoMs }));
  };
  const discovery = new Discovery({
    proc,
    match: options.match,
    onFound,
    onProcess: services.note,
    onHung: (pid) => {
      hung = `the command line of process ${pid} cannot be read: it hangs in the kernel`;
    },
  });

  const look = (pid: number, entry: Watched) => {
    const now = stateOf(entry.stat.state());
    if (now === entry.state) return;
    if (now !== "exited") {
      entry.state = now;
      emit(entry.evidence(now));
      return;
    }
    watched.delete(pid);
    entry.stat.close();
    discovery.forget(entry.found);
    const evidence = entry.evidence("exited");
    emit(evidence);
    if (evidence.kind === "engine-process") onEngine(null);
  };
  const scan = () => {
    hung = "";
    try {
      discovery.scan(monoMs());
      services.settle((pid) => proc.comm(pid));
      tell(hung === "" ? "working" : "hung", hung);
    } catch (error) {
      tell("failed", (error as Error).message);
    }
  };
  const endPolls = alignedTimer(pollMs, wallMs, () => {
    for (const [pid, entry] of watched) look(pid, entry);
  });
  const endScans = alignedTimer(scanMs, wallMs, scan);
  scan();
  return {
    stop() {
      endPolls();
      endScans();
      for (const { stat } of watched.values()) stat.close();
      watched.clear();
    },
  };
}

/** USER_HZ is 100 on every architecture that Linux runs GPUs on (proc_pid_stat(5), field 22). */
const MS_PER_TICK = 10;
const STOPPED = new Set([..."Tt"].map((letter) => letter.charCodeAt(0)));

function stateOf(letter: number | "ended"): "running" | "stopped" | "exited" {
  if (letter === "ended") return "exited";
  return STOPPED.has(letter) ? "stopped" : "running";
}
