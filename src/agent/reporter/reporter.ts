import { type Finding, findingKey } from "../../health/finding.ts";
import { findingsOf } from "../../health/findings.ts";
import { hearBeat, hearConnection, hearEvidence, hearHello } from "../../health/hear.ts";
import { type ServerEvidence, unheard } from "../../health/server-evidence.ts";
import { subscribe } from "../../stream/subscribe.ts";
import type { Source } from "../source.ts";
import { conditionOf, silentCondition } from "./condition.ts";
import type { NodeWriter } from "./node-writer.ts";

export interface ReporterOptions {
  server: string;
  /** Of the agent of this server. */
  url: string;
  token: string;
  writer: NodeWriter;
  onProblem(error: unknown): void;
  everyMs?: number;
  /** A condition is written again when it did not change, so that everybody sees how old it is. */
  refreshMs?: number;
}

/** Findings seen before are no events again, unless they were away in between. */
const MAX_EVENTS_A_LOOK = 10;

/**
 * Subscribes to the agent of its server and writes what it finds to the Node. It is a process of its own, with the
 * account and without the privileges: an API server that is away holds up nothing but this.
 */
export function startReporter(options: ReporterOptions): Source {
  const { server, url, token, writer, onProblem, everyMs = 1_000, refreshMs = 60_000 } = options;
  let known: ServerEvidence = unheard(server);
  let told = new Set<string>();
  let condition = "";
  let writtenMs = Number.NEGATIVE_INFINITY;
  let busy = false;
  const startMs = performance.now();
  const subscription = subscribe({
    server,
    url,
    token,
    // It looks once a second.
    everyBeats: 4,
    onFrame(frame, atMs) {
      if (frame.type === "hello") known = hearHello(known, frame, atMs);
      else if (frame.type === "beat") known = hearBeat(known, frame, atMs);
      else known = hearEvidence(known, frame, atMs);
    },
    onConnection(state, reason, atMs) {
      known = hearConnection(known, state, reason, atMs);
    },
  });

  const write = async (findings: readonly Finding[]): Promise<void> => {
    const now = silentCondition(known.lastHeardMs ?? startMs, performance.now()) ?? conditionOf(findings);
    const text = `${now.status} ${now.reason} ${now.message}`;
    if (text !== condition || performance.now() - writtenMs > refreshMs) {
      await writer.writeCondition(now);
      condition = text;
      writtenMs = performance.now();
    }
    const present = findings.filter(({ confirmed }) => confirmed);
    const fresh = present.filter((finding) => !told.has(findingKey(finding)));
    for (const finding of fresh.slice(0, MAX_EVENTS_A_LOOK)) {
      await writer.writeEvent(finding);
      told.add(findingKey(finding));
    }
    const keys = new Set(present.map(findingKey));
    told = new Set([...told].filter((key) => keys.has(key)));
  };
  const timer = setInterval(() => {
    // One at a time, and only what holds now: after an outage of the API server nothing of before is told.
    if (busy || (known.lastHeardMs === null && silentCondition(startMs, performance.now()) === null)) return;
    busy = true;
    write(findingsOf(known, performance.now()))
      .catch(onProblem)
      .finally(() => {
        busy = false;
      });
  }, everyMs);
  return {
    stop() {
      clearInterval(timer);
      subscription.close();
    },
  };
}
