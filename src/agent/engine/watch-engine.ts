import { untilAligned } from "../../stream/aligned-timer.ts";
import { monitorState } from "../monitor-state.ts";
import type { FoundLauncher } from "../processes/discover.ts";
import type { Emit, Source } from "../source.ts";
import { type Answer, EngineConnection } from "./engine-connection.ts";
import { parseLoads, parseTokens } from "./progress.ts";

export interface WatchEngineOptions {
  /** `auto`: where the launcher's command line says. */
  url: string;
  everyMs: number;
  timeoutMs?: number;
  emit: Emit;
}

export interface EngineWatch extends Source {
  /** The engine whose leader runs on this server; null when it is gone or its leader is elsewhere. */
  follow(launcher: (FoundLauncher & { group: string }) | null): void;
}

/**
 * Of so many looks at an engine that has no request, one asks for its metrics: no token comes there, and to put them together costs
 * the engine more than all else that it is asked.
 */
const METRICS_AT_REST = 4;

interface Target {
  connection: EngineConnection;
  group: string;
  instance: string;
  /** It has answered `/ready` with 200 since it started: from then on a refusal is no start any more. */
  served: boolean;
  tokensTotal: number;
  decodedTotal: number | null;
  running: number;
  queued: number;
  /** Looks that found no request, since the last that did. */
  looksAtRest: number;
}

/**
 * Asks the leader's own endpoints: is it ready, how far is it, what waits. `/v1/loads` reads a snapshot and never hangs;
 * `/health` is not used, it costs a token and twenty seconds.
 */
export function watchEngine({ url, everyMs, timeoutMs = 1_000, emit }: WatchEngineOptions): EngineWatch {
  const tell = monitorState(emit, "engine");
  let target: Target | null = null;
  let last = "";
  let timer: NodeJS.Timeout | undefined;

  const look = async (mine: Target): Promise<void> => {
    const [ready, loads] = (await mine.connection.ask(["/ready", "/v1/loads"])) as [Answer, Answer];
    const load = bodyOf(loads, parseLoads);
    // The last tokens of a request come before the look that does not find it any more.
    const rests = load !== null && load.running + load.queued + mine.running + mine.queued === 0;
    mine.looksAtRest = rests ? mine.looksAtRest + 1 : 0;
    const asksMetrics = mine.looksAtRest % METRICS_AT_REST === 0 && loads.kind !== "silent";
    const [metrics] = asksMetrics ? await mine.connection.ask(["/metrics"]) : [];
    // It may have been replaced while we asked: what an old one said is of no use.
    if (mine !== target) return;
    Object.assign(mine, load ?? {});
    const tokens = bodyOf(metrics, parseTokens);
    mine.tokensTotal = Math.max(mine.tokensTotal, tokens?.total ?? 0);
    mine.decodedTotal = tokens?.decoded ?? mine.decodedTotal;
    const state = stateOf(ready, mine.served);
    mine.served ||= state === "serving";
    const silent = [ready, loads, metrics].some((answer) => answer?.kind === "silent");
    tell(silent ? "hung" : "working", silent ? `no answer in ${timeoutMs} ms` : "");
    const { group, instance, tokensTotal, decodedTotal, running, queued } = mine;
    const now = JSON.stringify([instance, state]);
    // While it serves each look is news, also when nothing moved: that is how a hang shows.
    if (now !== last || state === "serving")
      emit({
        kind: "engine",
        group,
        instance,
        state,
        tokensTotal,
        ...(decodedTotal === null ? {} : { decodedTotal }),
        running,
        queued,
      });
    last = now;
  };
  const run = async (mine: Target): Promise<void> => {
    await look(mine);
    if (mine === target) timer = setTimeout(() => void run(mine), untilAligned(everyMs, Date.now()));
  };
  const leave = () => {
    clearTimeout(timer);
    target?.connection.close();
    target = null;
  };
  return {
    follow(launcher) {
      // Nobody asks this engine any more: that it was silent says nothing about what this server runs from now on.
      if (target !== null) tell("working");
      leave();
      if (launcher === null || launcher.engine.nodeRank !== 0) return;
      const { group, engine, pid, startTicks } = launcher;
      target = {
        connection: new EngineConnection(
          url === "auto" ? `http://${engine.host}:${engine.port}` : url,
          engine.apiKey,
          timeoutMs,
        ),
        group,
        instance: `${pid}:${startTicks}`,
        served: false,
        tokensTotal: 0,
        decodedTotal: null,
        running: 0,
        queued: 0,
        // The first look asks for everything.
        looksAtRest: -1,
      };
      void run(target);
    },
    stop() {
      leave();
    },
  };
}

function stateOf(ready: Answer, served: boolean): "starting" | "serving" | "unhealthy" | "unreachable" {
  if (ready.kind === "answer" && ready.status === 200) return "serving";
  // HTTP binds only when all ranks are ready: until then a refusal is a start.
  if (!served && ready.kind !== "silent") return "starting";
  return ready.kind === "answer" ? "unhealthy" : "unreachable";
}

function bodyOf<T>(answer: Answer | undefined, parse: (body: string) => T | null): T | null {
  return answer?.kind === "answer" && answer.status === 200 ? parse(answer.body) : null;
}
