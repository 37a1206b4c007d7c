import type { Evidence } from "./evidence.ts";
import type { HealthRules } from "./rules.ts";

type EngineEvidence = Extract<Evidence, { kind: "engine" }>;

/**
 * Tokens per second and stream that one engine writes, against its own past under the same load: as many streams, and as much
 * that it reads meanwhile (powers of two). A full batch is slower for each stream than a single one, and so is one beside which
 * long prompts are read; neither is a fault.
 */
export interface RateBook {
  last: Sample | null;
  /** By the load under which they were learned, see `loadOf`. */
  baselines: Readonly<Record<number, { perStream: number; samples: number }>>;
  slow: { group: string; sinceMs: number; seq: number; share: number } | null;
}

interface Sample {
  group: string;
  instance: string;
  /** Tokens since the engine's start: written, and read. */
  decodedTotal: number;
  readTotal: number;
  running: number;
  atMs: number;
  seq: number;
}

export const NO_RATES: RateBook = { last: null, baselines: {}, slow: null };

/** Shorter samples measure the polling, not the engine. */
const SAMPLE_MS = 1_000;
/** The weight of one sample; about a minute of samples makes the baseline. */
const WEIGHT = 1 / 60;
/** Less reading than this, in tokens a second, is none. Ours: short prompts now and then, which delay nobody for long. */
const READS_FROM = 1_000;
/** Sizes of batches that are told apart: up to 2^32 streams. */
const BATCHES = 32;
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
  const readTotal = engine.tokensTotal - decodedTotal;
  const now = { group, instance, decodedTotal, readTotal, running, atMs, seq };
  const { last } = book;
  if (last === null || last.instance !== instance || last.group !== group || decodedTotal < last.decodedTotal) {
    return { ...book, last: now, slow: null };
  }
  const elapsedMs = atMs - last.atMs;
  if (elapsedMs < SAMPLE_MS) return book;
  // The engine's own counter grows every 40 steps, which may take longer than a sample: it is read from one growth to another. One
  // that does not grow at all is no slow engine, but one that hangs (`aspects/engine.ts`).
  if (running > 0 && last.running > 0 && decodedTotal === last.decodedTotal) return book;
  const comparable = running > 0 && last.running > 0 && powerOf(running) === powerOf(last.running);
  // Idle, or between two sizes of batch: says nothing, in either direction.
  if (!comparable) return { ...book, last: now, slow: running === 0 ? null : book.slow };

  const load = loadOf(running, (readTotal - last.readTotal) / (elapsedMs / 1_000));
  const perStream = (decodedTotal - last.decodedTotal) / (elapsedMs / 1_000) / ((running + last.running) / 2);
  const baseline = book.baselines[load];
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
  return { last: now, baselines: { ...book.baselines, [load]: learned }, slow: null };
}

/** One number for a size of batch and a rate of reading. */
function loadOf(running: number, readPerSecond: number): number {
  const reading = readPerSecond < READS_FROM ? 0 : 1 + powerOf(readPerSecond / READS_FROM);
  return powerOf(running) + BATCHES * reading;
}

const powerOf = (value: number): number => Math.floor(Math.log2(Math.max(1, value)));
