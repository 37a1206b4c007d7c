import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { TandemError } from "../errors.ts";
import type { ServingPlan } from "../plan/serving-plan.ts";
import type { FaultClass, RehearsalReport } from "../report/rehearsal.ts";
import type { Arena, Injected, SeenRequest } from "./arena.ts";
import { type CheckedStream, openStream } from "./client.ts";
import { monotonicMs } from "./clock.ts";
import type { Front } from "./front.ts";
import { modelOf } from "./model-of.ts";
import { planStreams } from "./plan-streams.ts";
import { reportOf } from "./report-of.ts";
import type { StreamRecord } from "./stream-record.ts";
import type { Hardship } from "./stream-request.ts";

export interface RoundOptions {
  fault: FaultClass;
  streams: number;
  /** A server by name; any of the group that serves if left out. */
  victim?: string;
  promptTokens?: { min: number; max: number };
  answerTokens?: { min: number; max: number };
  /** When the fault comes, at random in a range: after the streams were opened, or after all of them write. */
  when?: { since: "opened" | "writing"; minMs: number; maxMs: number };
  /** Some streams cannot be carried on, in these ways; they may end with the error event that says so. */
  hardships?: readonly Hardship[];
  /** Silence after which a stream counts as lost. */
  idleTimeoutMs?: number;
  random?: () => number;
  /** Told what happens, as it happens. */
  tell?: (moment: Moment) => void;
  /** Called for every piece of text of every stream. */
  onPiece?: (record: StreamRecord) => void;
}

export type Moment =
  | { kind: "opened"; records: readonly StreamRecord[] }
  | { kind: "writing" }
  | { kind: "fault"; fault: FaultClass; victim: string; what: string }
  | { kind: "moved"; to: string; reason: string; afterMs: number }
  | { kind: "carried-on"; streams: number; afterMs: number }
  | { kind: "finished" };

/** What one round saw, before it is judged. */
export interface RoundFacts {
  plan: ServingPlan;
  fault: FaultClass;
  victim: string;
  from: string;
  injected: Injected;
  records: StreamRecord[];
  requests: SeenRequest[];
  moves: Front["moves"];
  groupOf(server: string): string;
}

/** Prompts for which the budgets are made. */
export const PROMPT_TOKENS = { min: 10, max: 2_000 };
/** Long enough that every stream is in the middle of its answer when the fault comes, short enough to wait for. */
export const ANSWER_TOKENS = { min: 100, max: 180 };
/** At random, so that no heartbeat and no step is privileged. */
const WHEN = { since: "writing", minMs: 500, maxMs: 1_000 } as const;
/** Tokens after which a stream is under way. */
const UNDER_WAY = 2;
/** Longer than the slowest class may take to be seen; what is silent for so long is lost. */
const IDLE_TIMEOUT_MS = 15_000;
const FLOW_TIMEOUT_MS = 30_000;

/** Opens streams, causes one fault in the middle of them, and reports what a client saw. */
export async function rehearseFault(world: Arena, front: Front, options: RoundOptions): Promise<RehearsalReport> {
  const { fault, random = Math.random, tell = () => {} } = options;
  const startedMs = monotonicMs();
  const requests: SeenRequest[] = [];
  world.onRequest = (request) => requests.push(request);
  const watch = new Watch();
  const streams = openAll(world, front, options, watch);
  try {
    tell({ kind: "opened", records: streams.map(({ record }) => record) });
    const when = options.when ?? WHEN;
    const writes = ({ record }: CheckedStream) => record.pieces.length >= UNDER_WAY || record.endedAtMs !== null;
    if (when.since === "writing") {
      await watch.until(() => streams.every(writes));
      tell({ kind: "writing" });
    }
    await sleep(when.minMs + (when.maxMs - when.minMs) * random());
    const from = front.active();
    const candidates = world.groups.find(({ id }) => id === from)?.servers ?? [];
    const victim = options.victim ?? candidates[Math.floor(random() * candidates.length)]?.name;
    if (victim === undefined) throw new Error(`the gateway names group ${from}, which is not in the plan`);
    const injected = await world.inject(fault, victim, random);
    tell({ kind: "fault", fault, victim, what: injected.what });
    front.onMove = ({ to, reason, atMs }) => tell({ kind: "moved", to, reason, afterMs: atMs - injected.atMs });
    watch.reportCarriedOn(streams, injected.atMs, tell);
    const records = await Promise.all(streams.map(({ ended }) => ended));
    tell({ kind: "finished" });
    const groupOf = (server: string) => groupOfServer(world, server);
    const facts = { fault, victim, from, injected, records, requests, moves: front.moves, groupOf };
    return reportOf({ ...facts, plan: world.plan }, (monotonicMs() - startedMs) / 1000);
  } finally {
    world.onRequest = () => {};
    front.onMove = () => {};
    for (const stream of streams) stream.leave();
  }
}

function groupOfServer({ groups }: Arena, server: string): string {
  const found = groups.find(({ servers }) => servers.some(({ name }) => name === server));
  if (found === undefined) throw new Error(`${server} is in no group`);
  return found.id;
}

/** Opens the streams of one round through the front, each with a prompt and an answer of its own. */
export function openAll(world: Arena, front: Front, options: RoundOptions, watch: Watch): CheckedStream[] {
  const requests = planStreams({
    count: options.streams,
    model: modelOf(world.plan),
    promptTokens: options.promptTokens ?? PROMPT_TOKENS,
    answerTokens: options.answerTokens ?? ANSWER_TOKENS,
    hardships: options.hardships ?? [],
    run: randomBytes(3).toString("hex"),
    random: options.random ?? Math.random,
  });
  return requests.map((request) => {
    const stream = openStream(request, {
      baseUrl: front.baseUrl,
      model: world.plan.model.servedName,
      idleTimeoutMs: options.idleTimeoutMs ?? IDLE_TIMEOUT_MS,
      ...(front.apiKey === undefined ? {} : { apiKey: front.apiKey }),
      onPiece: (record) => {
        watch.look();
        options.onPiece?.(record);
      },
    });
    void stream.ended.then(() => watch.look());
    return stream;
  });
}

/** Wakes whoever waits for the streams to be in some state, whenever one of them says something. */
export class Watch {
  readonly #waiting = new Set<() => void>();

  look(): void {
    for (const look of this.#waiting) look();
  }

  async until(holds: () => boolean): Promise<void> {
    if (holds()) return;
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(look);
        reject(
          new TandemError({
            code: "E_REHEARSAL_STREAMS",
            what: "the streams did not begin",
            why: `not all of them had a token after ${FLOW_TIMEOUT_MS / 1000} s`,
            fix: "run it with fewer streams, or when this machine has less to do",
          }),
        );
      }, FLOW_TIMEOUT_MS);
      const look = () => {
        if (!holds()) return;
        clearTimeout(timer);
        this.#waiting.delete(look);
        resolve();
      };
      this.#waiting.add(look);
    });
  }

  /** Tells once when every stream that the fault interrupted has gone on. */
  reportCarriedOn(streams: readonly CheckedStream[], faultAtMs: number, tell: (moment: Moment) => void): void {
    const had = new Map(streams.map(({ record }) => [record, record.pieces.length]));
    const running = streams.filter(({ record }) => record.endedAtMs === null);
    const look = () => {
      // A token that was under way when the fault came is no sign of life.
      const goneOn = ({ record }: CheckedStream) => record.pieces.length > (had.get(record) ?? 0) + UNDER_WAY;
      if (!running.every((stream) => goneOn(stream) || stream.record.endedAtMs !== null)) return;
      this.#waiting.delete(look);
      tell({ kind: "carried-on", streams: running.filter(goneOn).length, afterMs: monotonicMs() - faultAtMs });
    };
    this.#waiting.add(look);
  }
}
