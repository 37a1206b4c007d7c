import type { Logger } from "pino";
import { packLines } from "../../kube/packed-lines.ts";
import {
  DRILL_STATE,
  type Drill,
  type DrillStatus,
  drillName,
  MAX_RECORD_CHARS,
  recordId,
} from "../../manifests/drill/resource.ts";
import type { ModelServiceSpec, MoveStatus } from "../../manifests/model-service/resource.ts";
import type { DrillReport } from "../../report/drill.ts";
import { failoverReport } from "../../report/failover-record.ts";
import type { Decided } from "../actions/hands.ts";
import type { FlightRecorder } from "./flight-recorder.ts";
import { type GatewayFacts, gatewayFacts } from "./gateway-facts.ts";
import type { RecordStore } from "./record-store.ts";
import { type RepairTimes, seenOf } from "./repair-times.ts";

/** What came before a fault belongs to its record. */
const LOOK_BACK_MS = 10_000;
/** A group loads for at most half an hour (spec.failover.startWithinMs has the plan's own time). */
const WATCH_MS = 1_800_000;
/** A move that is older is another reconciler's to tell: this one has heard nothing of it. */
const FRESH_MS = 60_000;
/** After a write that failed, so that an API server that is away is not asked with every pass. */
const AGAIN_MS = 2_000;

export interface KeeperParts {
  store: RecordStore;
  recorder: FlightRecorder;
  adminToken: () => string;
  /** @throws NotLeader */
  assertLeader(): void;
  log: Logger;
}

/**
 * Leaves a record of every real failover in the cluster, adds the reconciler's part to that of a drill, and closes those whose
 * command was killed. Beside the loop: what it does must never hold up a step, and a record that is lost is lost.
 */
export class RecordKeeper {
  readonly #parts: KeeperParts;
  readonly #times = new Map<number, RepairTimes>();
  readonly #facts = new Map<number, GatewayFacts>();
  readonly #told = new Set<string>();
  #busy = false;
  #againMs = 0;

  constructor(parts: KeeperParts) {
    this.#parts = parts;
  }

  /** Called by the leader after each pass. */
  see(decided: Decided): void {
    const { wallMs } = decided.knowledge.moment;
    const move = lastFailover(decided);
    if (move !== null) this.#times.set(move.epoch, seenOf(this.#times.get(move.epoch) ?? {}, move, decided));
    const work = this.#next(decided, move, wallMs);
    if (work === null || this.#busy || wallMs < this.#againMs) return;
    this.#busy = true;
    void work()
      .catch((error: unknown) => {
        this.#againMs = Date.now() + AGAIN_MS;
        this.#parts.log.warn({ error: String(error) }, "a record was not written");
      })
      .finally(() => {
        this.#busy = false;
      });
  }

  /** The next write, or null where every record is as it should be. */
  #next(decided: Decided, move: MoveStatus | null, wallMs: number): (() => Promise<void>) | null {
    const { drills, service } = decided.knowledge.cluster;
    if (move !== null && move.drill === undefined) {
      const name = nameOf(move);
      const isNew = wallMs - Date.parse(move.at) < FRESH_MS && !this.#told.has(name);
      if (isNew && drills.every(({ metadata }) => metadata.name !== name)) return () => this.#open(decided, move, name);
    }
    for (const drill of drills) {
      const { metadata, spec, record } = drill;
      const isOver = wallMs > Date.parse(spec.until);
      if (spec.kind === "drill") {
        if (isOver) return () => this.#end(metadata.name, abortedStatus(drill, wallMs), service.metadata.name);
        const isEnding = metadata.labels?.[DRILL_STATE] === "ending";
        if (isEnding && record?.reconciler === undefined) return () => this.#addPart(drill);
        continue;
      }
      const isOurs = move !== null && nameOf(move) === metadata.name;
      const times = isOurs ? this.#times.get(move.epoch) : undefined;
      if (isOurs && times?.redundantMs !== undefined) return () => this.#close(decided, move, metadata.name, times);
      // A later fault came before this one was repaired, or nobody repaired it.
      if (!isOurs || isOver) return () => this.#give(drill, wallMs, service.metadata.name);
    }
    return null;
  }

  async #open({ knowledge }: Decided, move: MoveStatus, name: string): Promise<void> {
    const { store, adminToken, assertLeader, log } = this.#parts;
    const { spec, metadata } = knowledge.cluster.service;
    const sinceMs = Date.parse(move.at) - LOOK_BACK_MS;
    const facts = await gatewayFacts(spec.gateways, adminToken(), sinceMs);
    if (facts !== null) this.#facts.set(move.epoch, facts);
    const victim = this.#times.get(move.epoch)?.blamed;
    assertLeader();
    await store.create(name, {
      spec: {
        service: metadata.name,
        kind: "failover",
        scenario: "failover",
        ...(victim === undefined ? {} : { victim }),
        by: "reconciler",
        startedAt: move.at,
        until: new Date(Date.parse(move.at) + WATCH_MS).toISOString(),
      },
      record: this.#record(sinceMs, facts),
    });
    this.#told.add(name);
    log.info({ name, epoch: move.epoch }, "the failover is on record");
  }

  async #close({ knowledge }: Decided, move: MoveStatus, name: string, times: RepairTimes): Promise<void> {
    const { store, adminToken, assertLeader, recorder } = this.#parts;
    const { metadata, spec } = knowledge.cluster.service;
    const sinceMs = Date.parse(move.at) - LOOK_BACK_MS;
    // Asked again: how long streams waited is known when they have gone on. Choices are kept half a minute, so the first ones stay.
    const now = await gatewayFacts(spec.gateways, adminToken(), sinceMs);
    const facts = this.#facts.get(move.epoch) ?? now;
    const last = now?.last ?? facts?.last ?? null;
    const report = failoverReport({
      ...times,
      id: name,
      stack: metadata.name,
      model: spec.model,
      from: move.from,
      to: move.to,
      movedAt: move.at,
      why: move.reason,
      victim: times.blamed ?? null,
      suspectMs: firstSuspect(facts, move.from),
      gateway: last !== null && Date.parse(last.at) >= sinceMs ? last : null,
      versions: versionsOf(spec),
    });
    assertLeader();
    if (recorder.sinceMs < Date.parse(move.at)) await store.keep(name, this.#record(sinceMs, facts));
    await this.#end(name, statusOf(report), metadata.name);
  }

  /** What has no end of its own: said so, rather than left open for good. */
  async #give({ metadata, spec }: Drill, wallMs: number, service: string): Promise<void> {
    const summary = JSON.stringify({ note: "another fault came before this one was repaired, or nobody repaired it" });
    const endedAt = new Date(wallMs).toISOString();
    await this.#end(metadata.name, { result: "NotRecovered", summary, endedAt }, service);
    this.#parts.log.warn({ name: metadata.name, startedAt: spec.startedAt }, "a record ends without a repair");
  }

  async #addPart({ metadata, spec }: Drill): Promise<void> {
    const sinceMs = Date.parse(spec.startedAt) - LOOK_BACK_MS;
    this.#parts.assertLeader();
    const { reconciler } = this.#record(sinceMs, null);
    if (reconciler !== undefined) await this.#parts.store.keep(metadata.name, { reconciler });
  }

  async #end(name: string, status: DrillStatus, service: string): Promise<void> {
    const { store, assertLeader } = this.#parts;
    assertLeader();
    await store.end(name, status);
    await store.prune(service);
  }

  #record(sinceMs: number, facts: GatewayFacts | null): NonNullable<Drill["record"]> {
    const { recorder } = this.#parts;
    return {
      evidence: packLines(recorder.evidence(sinceMs), MAX_RECORD_CHARS),
      reconciler: packLines(recorder.passes(sinceMs), MAX_RECORD_CHARS),
      ...(facts === null ? {} : { gateway: packLines(facts.decisions, MAX_RECORD_CHARS, [{ timing: facts.timing }]) }),
    };
  }
}

/** Planned moves are no failovers, and gateways that disagreed had no fault of a group. */
function lastFailover({ knowledge }: Decided): MoveStatus | null {
  const last = knowledge.cluster.service.status?.moves?.at(-1);
  return last !== undefined && (last.why === "adopt" || last.why === "failover") && last.from !== last.to ? last : null;
}

function nameOf(move: MoveStatus): string {
  return drillName(recordId(move.at, `failover-e${move.epoch}`));
}

function statusOf(report: DrillReport): DrillStatus {
  return {
    result: report.passed ? "Recovered" : "NotRecovered",
    gapSeconds: Math.round(report.streams.longestPauseSeconds * 100) / 100,
    summary: JSON.stringify(report),
    endedAt: new Date(Date.parse(report.startedAt) + report.seconds * 1000).toISOString(),
  };
}

function abortedStatus({ spec }: Drill, wallMs: number): DrillStatus {
  const note = `${spec.by} began it, and was not heard of again`;
  return { result: "Aborted", summary: JSON.stringify({ note }), endedAt: new Date(wallMs).toISOString() };
}

function firstSuspect(facts: GatewayFacts | null, from: string): number | null {
  type Words = { suspicions?: { group: string; state: string }[] };
  const first = facts?.decisions.find(({ choice }) =>
    (choice as Words).suspicions?.some(({ group, state }) => group === from && state === "suspect"),
  );
  return first?.wallMs ?? null;
}

function versionsOf({ revision }: ModelServiceSpec): Record<string, string> {
  return { node: process.version, revision };
}
