import type { Evidence } from "./evidence.ts";
import type { HealthRules } from "./rules.ts";

type EngineEvidence = Extract<Evidence, { kind: "engine" }>;

/**
 * Tokens per second and stream that one engine writes, against its own past; what it reads meanwhile is another work. Compared
 * within one size of batch (powers of two): a full batch is slower for each stream than a single one, and that is no fault.
 */
export interface RateBook {
  last: { group: string; instance: string; decodedTotal: number; running: number; atMs: number; seq: number } | null;
  /** By log2 of the running streams. */
  baselines: Readonly<Record<number, { perStream: number; samples: number }>>;
  slow: { group: string; sinceMs: number; seq: number; share: number } | null;
}

export const NO_RATES: RateBook = { last: null, baselines: {}, slow: null };

/** Shorter samples measure the polling, not the engine. */
const SAMPLE_MS = 1_000;
/** The weight of one sample; about a minute of samples makes the baseline. */
const WEIGHT = 1 / 60;
/** The way back needs a margin, or a rate at the edge starts the timer anew with every sample. */
const MARGIN = 0.1;

/** Takes one more piece of the engine in. A slow sample never moves the baseline, or slowness would become the norm. */
export function noteRate(
  book: RateBook,
  engine: EngineEvidence,
  atMs: number,
  seq: number,
  rules: HealthRules,
): RateBook {
  const { group, instance, running, decodedTotal = engine.tokensTotal } = engine;
  const now = { group, instance, decodedTotal, running, atMs, seq };
  const { last } = book;
  if (last === null || last.instance !== instance || last.group !== group || decodedTotal < last.decodedTotal) {
    return { ...book, last: now, slow: null };
  }
  const elapsedMs = atMs - last.atMs;
  if (elapsedMs < SAMPLE_MS) return book;
  // The engine's own counter grows every 40 steps, which may take longer than a sample: it is read from one growth to another. One
  // that does not grow at all is no slow engine, but one that hangs (`aspects/engine.ts`).
  if (running > 0 && last.running > 0 && decodedTotal === last.decodedTotal) return book;
  const bucket = Math.floor(Math.log2(Math.max(1, running)));
  const comparable = running > 0 && last.running > 0 && bucket === Math.floor(Math.log2(last.running));
  // Idle, or between two sizes of batch: says nothing, in either direction.
  if (!comparable) return { ...book, last: now, slow: running === 0 ? null : book.slow };

  const perStream = (decodedTotal - last.decodedTotal) / (elapsedMs / 1_000) / ((running + last.running) / 2);
  const baseline = book.baselines[bucket];
  if (baseline !== undefined && baseline.samples >= rules.baselineSamples) {
    const share = perStream / baseline.perStream;
    if (share < rules.slowBelow) {
      const slow = { group, sinceMs: book.slow?.sinceMs ?? last.atMs, seq: book.slow?.seq ?? seq, share };
      return { ...book, last: now, slow };
    }
    if (book.slow !== null && share < rules.slowBelow + MARGIN) return { ...book, last: now };
  }
  const learned =
    baseline === undefined
      ? { perStream, samples: 1 }
      : {
          perStream:
            baseline.perStream + (perStream - baseline.perStream) * Math.max(WEIGHT, 1 / (baseline.samples + 1)),
          samples: baseline.samples + 1,
        };
  return { last: now, baselines: { ...book.baselines, [bucket]: learned }, slow: null };
}
