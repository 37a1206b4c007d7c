import { setTimeout as sleep } from "node:timers/promises";
import { TandemError } from "../../errors.ts";
import type { DrillMoment, DrillReport } from "../../report/drill.ts";
import type { SeenRequest } from "../arena.ts";
import { monotonicMs } from "../clock.ts";
import type { RepairWatch } from "../cluster/repair-watch.ts";
import { LOCAL_PATIENCE_MS } from "../cluster/site.ts";
import type { Move } from "../front.ts";
import { collectEvidence, type HeardFrame } from "../record/collect-evidence.ts";
import { scoreDrill } from "../score/score-drill.ts";
import type { StreamRecord } from "../stream-record.ts";
import { Crowd } from "./crowd.ts";
import type { Caused, DrillArena, GatewayDecisions } from "./drill-arena.ts";
import { assertSibling, readyGroup, redundantAgain } from "./readiness.ts";
import { faultWords, type Scenario, type Step } from "./scenario.ts";
import { Story } from "./story.ts";
import { assertPossible, victimOf } from "./victim.ts";

export interface DrillOptions {
  streams: number;
  /** By name; any that the scenario can hit if left out. */
  victim?: string;
  answerTokens?: { min: number; max: number };
  random?: () => number;
  /** Ends the drill early: what was done is undone, and nothing is scored. */
  signal?: AbortSignal;
  /** Called as things happen; seconds since the drill began. */
  tell?: (moment: DrillMoment) => void;
  /** Called for every piece of text of every stream. */
  onPiece?: (record: StreamRecord) => void;
  /** Called before each step with whom it will hit: the moment to note it for whoever must clean up after a crash. */
  before?: (step: Step, victim: string) => Promise<void>;
}

/** A drill, and what its record keeps beside the report. */
export interface DrillOutcome {
  report: DrillReport;
  evidence: HeardFrame[];
  decisions: GatewayDecisions;
  records: readonly StreamRecord[];
}

/** Streams write for so long before the fault, at random: no heartbeat and no step is privileged. */
const BEFORE_MS = { min: 500, max: 1_000 };
/** Evidence and choices of so long before the fault belong to the record. */
const LOOK_BACK_MS = 2_000;
/** The second of two faults comes so long after traffic has moved. */
const SECOND_AFTER_MS = 700;
const MOVE_TIMEOUT_MS = 15_000;
/** A fault that is undone before the reconciler was sure of it would be another one than a real fault is. */
const ISOLATED_MS = 20_000;

/**
 * Runs one scenario: refuses unless a failover would work, lets it happen in the middle of checked streams, undoes it, waits
 * until both groups can serve again, and scores. Whatever goes wrong in between, what was done is undone.
 *
 * @throws TandemError E_DRILL_NOT_READY, E_DRILL_VICTIM, E_DRILL_IMPOSSIBLE (nothing was done), E_DRILL_ABORTED (undone)
 */
export async function runDrill(arena: DrillArena, asked: Scenario, options: DrillOptions): Promise<DrillOutcome> {
  const scenario = withPatience(asked, arena);
  const { random = Math.random, signal } = options;
  const from = await readyGroup(arena);
  if (scenario.outcome === "replica") assertSibling(arena);
  const [step, ...more] = scenario.steps;
  const victim = await victimOf(arena, step, from, options.victim, random);
  assertPossible(arena, scenario, victim);
  const started = { at: new Date(), ms: monotonicMs() };
  const collector = collectEvidence(arena.agents);
  const requests: SeenRequest[] = [];
  arena.onRequest = (request) => requests.push(request);
  const story = new Story(started.ms, options.tell);
  const undos: Caused[] = [];
  const undo = async () => {
    for (const caused of undos.splice(0).reverse()) await caused.undo();
  };
  const cause = async (what: Step, whom: string): Promise<Caused> => {
    signal?.throwIfAborted();
    await options.before?.(what, whom);
    const caused = await arena.cause(what.cause, whom, random);
    undos.push(caused);
    return caused;
  };
  const crowd = new Crowd(arena, scenario, options, victim);
  let repair: RepairWatch | undefined;
  try {
    await crowd.writing();
    story.say(`${crowd.streams.length} streams receive tokens from group ${from}`);
    await pause(BEFORE_MS.min + (BEFORE_MS.max - BEFORE_MS.min) * random(), signal);
    const movesBefore = arena.front.moves.length;
    if (scenario.outcome === "carried" || scenario.outcome === "held")
      repair = arena.followRepair?.({ group: from, server: step.on === "active" ? victim : null });
    // A move may come while the injector is still at work; it is told after what it was for.
    const early: Move[] = [];
    arena.front.onMove = (move) => early.push(move);
    const first = await cause(step, victim);
    const faultWallMs = Date.now() - (monotonicMs() - first.atMs);
    story.fault(first.atMs, faultWords(scenario, step, victim), first.what);
    arena.front.onMove = ({ to, reason, atMs }) => story.sayAfter(`the gateway goes over to group ${to}`, reason, atMs);
    early.forEach(arena.front.onMove);
    crowd.watch.reportCarriedOn(crowd.streams, first.atMs, (moment) => {
      if (moment.kind === "carried-on") story.sayAfter(`all ${moment.streams} streams go on where they were`);
    });
    const probing = crowd.probes(signal);
    for (const next of more) {
      const active = await movedTo(arena, movesBefore, signal);
      // As Kubernetes would: the first group is made anew while the second one serves.
      const mending = next.lastsMs === undefined ? undos.splice(0).map((caused) => caused.undo()) : [];
      await pause(SECOND_AFTER_MS, signal);
      const whom = await victimOf(arena, next, active, undefined, random);
      const caused = await cause(next, whom);
      story.say(`${whom}: the second fault`, caused.what);
      await Promise.all(mending);
      if (next.lastsMs === undefined) continue;
      await pause(Math.max(0, caused.atMs + next.lastsMs - monotonicMs()), signal);
      undos.splice(undos.indexOf(caused), 1);
      await caused.undo();
      story.say(`${whom} is as before`, "the second fault is over, the first one lasts");
    }
    const records = await unlessAborted(Promise.all(crowd.streams.map(({ ended }) => ended)), signal);
    const probes = await unlessAborted(probing, signal);
    story.say("the last answer is complete");
    const decisions = await arena.decisions(faultWallMs - LOOK_BACK_MS);
    const shown = await unlessAborted(Promise.all(undos.map((caused) => caused.shown?.() ?? true)), signal);
    await repair?.isolated(ISOLATED_MS, signal);
    if (repair?.seen.isolatedAtMs) story.sayAfter(`group ${from} is isolated`, undefined, repair.seen.isolatedAtMs);
    const endsAtMs = Math.max(0, ...undos.map(({ atMs, lastsMs = 0 }) => atMs + lastsMs));
    await pause(Math.max(0, endsAtMs - monotonicMs()), signal);
    const undoneAtMs = monotonicMs();
    if (undos.length > 0) story.say("the fault is undone", "by the drill; what follows is the repair");
    await undo();
    const redundantAtMs = await redundantAgain(arena, arena.patienceMs ?? LOCAL_PATIENCE_MS, signal);
    if (redundantAtMs !== null) story.sayAfter("both groups can serve again", undefined, redundantAtMs);
    const report = scoreDrill({
      scenario,
      kind: arena.kind,
      plan: arena.plan,
      startedAt: started.at,
      seconds: (monotonicMs() - started.ms) / 1000,
      victim: step.on === "nobody" ? null : victim,
      from,
      what: first.what,
      faultAtMs: first.atMs,
      faultWallMs,
      undoneAtMs,
      redundantAtMs,
      repair: repair?.seen ?? null,
      shown: shown.every((one) => one),
      records,
      doomed: crowd.doomed,
      probes,
      requests,
      moves: arena.front.moves.slice(movesBefore),
      decisions: decisions.decisions,
      timeline: story.timeline,
      versions: await arena.versions(),
      groupOf: (server) => arena.groups.find(({ servers }) => servers.some(({ name }) => name === server))?.id ?? "",
    });
    return { report, evidence: collector.heard(), decisions, records: [...records, ...probes] };
  } catch (error) {
    if (signal?.aborted) throw abortedError(scenario);
    throw error;
  } finally {
    arena.onRequest = () => {};
    arena.front.onMove = () => {};
    crowd.leave();
    collector.stop();
    repair?.stop();
    await undo();
  }
}

/** Where servers boot and engines load for real, the repair is given the time that the plan gives them. */
function withPatience(scenario: Scenario, { patienceMs = LOCAL_PATIENCE_MS }: DrillArena): Scenario {
  if (patienceMs <= LOCAL_PATIENCE_MS) return scenario;
  return { ...scenario, budgets: { ...scenario.budgets, "redundant again": patienceMs / 1000 } };
}

async function movedTo(arena: DrillArena, movesBefore: number, signal?: AbortSignal): Promise<string> {
  const endMs = monotonicMs() + MOVE_TIMEOUT_MS;
  for (;;) {
    const move = arena.front.moves[movesBefore];
    if (move !== undefined) return move.to;
    if (monotonicMs() > endMs) return (await arena.readiness()).active ?? "";
    await pause(20, signal);
  }
}

function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return sleep(ms, undefined, signal ? { signal } : {});
}

async function unlessAborted<T>(work: Promise<T>, signal?: AbortSignal): Promise<T> {
  if (signal === undefined) return work;
  let stop = () => {};
  const aborted = new Promise<never>((_resolve, reject) => {
    stop = () => reject(signal.reason);
    signal.addEventListener("abort", stop, { once: true });
    if (signal.aborted) stop();
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

function abortedError({ name }: Scenario): TandemError {
  return new TandemError({
    code: "E_DRILL_ABORTED",
    what: `the drill ${name} was ended early`,
    why: "it was interrupted",
    fix: "what it had done is undone; `tandem status` shows when both groups can serve again",
  });
}
