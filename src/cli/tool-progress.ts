import type { OnToolProgress, ToolProgress } from "../machines/tools/progress.ts";
import { megabytes } from "./megabytes.ts";

export interface ProgressView {
  onProgress: OnToolProgress;
  /** Takes the live line away; call it also after a failure. */
  end: () => void;
}

// On a terminal the line is alive; in a log one line now and then is enough to see that something happens.
const LIVE_EVERY_MS = 500;
const LOG_EVERY_MS = 15_000;

/** Shows how tools come about, on stderr: the state of all running builds in one line, and a line for each that is done. */
export function showToolProgress(stream: NodeJS.WriteStream = process.stderr): ProgressView {
  const live = stream.isTTY === true;
  const running = new Map<string, string>();
  let etaAt: number | undefined;
  let width = 0;
  const erase = () => {
    if (live && width > 0) stream.write("\r\u001b[K");
    width = 0;
  };
  const status = () => {
    if (running.size === 0) return;
    const left = etaAt === undefined ? "" : `; ${about(Math.max(0, etaAt - Date.now()))} left`;
    const text = `${[...running.values()].join(", ")}${left}`;
    erase();
    width = text.length;
    stream.write(live ? text.slice(0, (stream.columns ?? 80) - 1) : `${text}\n`);
  };
  const timer = setInterval(status, live ? LIVE_EVERY_MS : LOG_EVERY_MS);
  return {
    onProgress: (event) => {
      if (event.kind === "build") etaAt = Date.now() + event.etaMs;
      const { line, name, state } = wordsOf(event);
      if (name !== undefined) {
        if (state === undefined) running.delete(name);
        else running.set(name, state);
      }
      if (line === undefined) return;
      erase();
      stream.write(`${line}\n`);
    },
    end: () => {
      clearInterval(timer);
      erase();
    },
  };
}

/** What an event says at once (`line`), and what is going on with one tool until its next event (`state`). */
function wordsOf(event: ToolProgress): { line?: string; name?: string; state?: string } {
  switch (event.kind) {
    case "waiting":
      return { line: "another command is installing tools; waiting for it" };
    case "plan": {
      const parts = [
        ...(event.download.length > 0 ? [`download ${event.download.join(", ")}`] : []),
        ...(event.build.length > 0 ? [`build ${event.build.join(", ")}: ${about(event.etaMs)}`] : []),
      ];
      return parts.length === 0 ? {} : { line: parts.join("; ") };
    }
    case "download": {
      const percent = Number.isNaN(event.totalBytes) ? "" : ` ${Math.floor((100 * event.bytes) / event.totalBytes)}%`;
      return { name: event.name, state: `downloading ${event.name}${percent} of ${megabytes(event.totalBytes)}` };
    }
    case "build": {
      const { name, compiled, packages, modules } = event;
      if (compiled === 0 && modules > 0) return { name, state: `${name}: ${modules} modules fetched` };
      return { name, state: `building ${name} ${compiled}/${packages} packages` };
    }
    case "done": {
      const how = event.source === "build" ? "built" : "downloaded";
      const seconds = (event.tookMs / 1000).toFixed(event.tookMs < 10_000 ? 1 : 0);
      return {
        line: `${event.name} ${event.version} ${how} in ${seconds} s, ${megabytes(event.bytes)}`,
        name: event.name,
      };
    }
  }
}

/** A time as a person says it: nobody needs the seconds of a quarter of an hour. */
function about(ms: number): string {
  const seconds = Math.round(ms / 1000);
  return seconds < 90 ? `about ${Math.max(1, seconds)} s` : `about ${Math.round(seconds / 60)} min`;
}
