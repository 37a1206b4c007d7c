import {
  compareAnswers,
  type GoldenAnswer,
  makesSense,
  type Reference,
  toleranceOf,
} from "../../failover/readiness/answers.ts";
import { bad, type EngineInfo, good, type Verdict, worst } from "../../failover/readiness/facts.ts";
import { GOLDEN_PROMPTS } from "../../failover/readiness/golden-prompts.ts";
import type { RungName } from "../../failover/readiness/ladder.ts";
import type { ReadinessRules } from "../../failover/readiness/rules.ts";
import { speedVerdict } from "../../failover/readiness/speed.ts";
import { EngineFailure } from "./engine-client.ts";
import { askFullBatch, askGolden, askLong, measurePace, type Shapes, shapesOf } from "./golden-round.ts";
import { modelOf, promptAt, type ReferenceGroup, type References } from "./references.ts";

/** One side of a comparison; `info` is null while it has not told its arguments. */
export type Side = Omit<ReferenceGroup, "info"> & { info: EngineInfo | null };

export interface GoldenOptions {
  references: References;
  rules: ReadinessRules;
  longestStepMs: number;
  signal: AbortSignal;
  /** Of a short prompt: well above what a busy engine needs, well below the minute in which a defect must show. */
  shortTimeoutMs: number;
  longTimeoutMs: number;
}

type Verdicts = Partial<Record<RungName, Verdict>>;

/** A short round: every golden prompt through all ranks, compared with the active group, and the pace. */
export async function proveAnswers(standby: Side, active: Side, options: GoldenOptions): Promise<Verdicts> {
  const { references, rules, signal, shortTimeoutMs: timeoutMs } = options;
  if (standby.info === null) return {};
  const asking = { engine: standby.engine, shapes: shapesOf(standby.info), signal, timeoutMs };
  try {
    const reference = await referenceFrom(active, options);
    const answers = await askGolden(asking);
    let verdict = judge(answers, reference, standby, rules);
    if (!verdict.ok && reference !== null) verdict = await again(verdict, standby, active, reference, options);
    const best = references.paceOf(standby.revision);
    const limitMs = best === null ? 0 : best.msPerToken * rules.slowFactor + rules.slowSlackMs;
    const pace = await measurePace(asking, limitMs);
    const speed = speedVerdict(pace, best, options.longestStepMs, rules);
    if (speed.ok) references.notePace(standby.revision, pace);
    return { answers: verdict, speed };
  } catch (error) {
    return { answers: failure(error, signal) };
  }
}

/** Production shapes: as many requests as it runs at once, and a prompt of several prefill chunks, compared too. */
export async function proveShapes(
  standby: Side,
  active: Side,
  salt: string,
  options: GoldenOptions,
): Promise<Verdicts> {
  const { rules, signal, longTimeoutMs: timeoutMs, references } = options;
  if (standby.info === null) return {};
  const shapes: Shapes = shapesOf(standby.info);
  const asking = { engine: standby.engine, shapes, signal, timeoutMs };
  try {
    const ms = await askFullBatch(asking);
    const long = await askLong(asking, salt);
    const told = `${shapes.batch} requests at once in ${(ms / 1000).toFixed(1)} s, ${shapes.longTokens} tokens of prompt in ${(long.ms / 1000).toFixed(1)} s`;
    if (!sameModel(standby, active)) return { shapes: good(told) };
    const theirs = await askLong({ ...asking, engine: active.engine }, salt).catch(() => null);
    signal.throwIfAborted();
    if (theirs === null) return { shapes: good(`${told}; the active group had no time to compare`) };
    const noise = references.of(active.revision)?.noise ?? 0;
    const verdict = compareAnswers(theirs, long, toleranceOf(noise, standby.revision === active.revision, rules));
    return { shapes: verdict.ok ? good(told) : bad(`after a long prompt ${verdict.detail}`) };
  } catch (error) {
    return { shapes: failure(error, signal) };
  }
}

function failure(error: unknown, signal: AbortSignal): Verdict {
  signal.throwIfAborted();
  if (!(error instanceof EngineFailure)) throw error;
  return bad(error.kind === "timeout" ? `${error.message}: a rank hangs` : error.message);
}

/** Null where the active group cannot be asked now: then only sense can be looked at. */
async function referenceFrom(
  active: Side,
  { references, signal, shortTimeoutMs }: GoldenOptions,
): Promise<Reference | null> {
  const known = references.of(active.revision);
  if (known !== null) return known;
  if (active.info === null) return null;
  try {
    return await references.take({ ...active, info: active.info }, signal, shortTimeoutMs);
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof EngineFailure) return null;
    throw error;
  }
}

function judge(
  answers: readonly GoldenAnswer[],
  reference: Reference | null,
  standby: Side,
  rules: ReadinessRules,
): Verdict {
  const sense = makesSense(answers, rules);
  if (!sense.ok) return sense;
  if (reference === null) return good(`${sense.detail}; the active group gave nothing to compare with`);
  if (reference.model !== modelOf(standby.info ?? {}))
    return good(`${sense.detail}; another model than the active group`);
  const tolerance = toleranceOf(reference.noise, reference.revision === standby.revision, rules);
  const each = answers.map((answer, at): Verdict => {
    const expected = reference.answers[promptAt(at)];
    if (expected === undefined) return good("");
    const verdict = compareAnswers(expected, answer, tolerance);
    return verdict.ok
      ? verdict
      : bad(`golden prompt ${promptAt(at) + 1} of ${GOLDEN_PROMPTS.length}: ${verdict.detail}`);
  });
  const wrong = each.filter(({ ok }) => !ok);
  if (wrong.length === 0)
    return good(`${answers.length} answers as group ${reference.group} gives them, ${worst(each).detail}`);
  return bad(`${wrong.length} of ${answers.length} answers are wrong; ${wrong[0]?.detail}`);
}

/** Two that disagree: the standby is asked once more, and the active group whether it still says what it said. */
async function again(
  first: Verdict,
  standby: Side,
  active: Side,
  reference: Reference,
  { references, rules, signal, shortTimeoutMs: timeoutMs }: GoldenOptions,
): Promise<Verdict> {
  if (standby.info === null || active.info === null) return first;
  const repeated = judge(
    await askGolden({ engine: standby.engine, shapes: shapesOf(standby.info), signal, timeoutMs }),
    reference,
    standby,
    rules,
  );
  if (repeated.ok) return repeated;
  const now = await askGolden({
    engine: active.engine,
    shapes: { ...shapesOf(active.info), attentionDp: 1 },
    signal,
    timeoutMs,
  }).catch(() => null);
  signal.throwIfAborted();
  if (now === null) return repeated;
  const changed = judge(now, reference, active, rules);
  if (changed.ok) return repeated;
  // Then the reference is the older word; whichever of the two is wrong, they do not say the same.
  references.forget(active.revision);
  return bad(`${repeated.detail}; and group ${active.id} itself answers otherwise than before: ${changed.detail}`);
}

function sameModel(standby: Side, active: Side): boolean {
  return standby.info !== null && active.info !== null && modelOf(standby.info) === modelOf(active.info);
}
