import { createHash } from "node:crypto";

/**
 * Log-probabilities as `/generate` tells them with `return_logprob` (tokenizer_manager.py: `[logprob, token id, text or
 * null]`, of the prompt from `logprob_start_len` on, of every token written, and the best alternatives beside them).
 */
export interface LogprobMeta {
  input_token_logprobs?: Row[];
  output_token_logprobs?: Row[];
  input_top_logprobs?: (Row[] | null)[];
  output_top_logprobs?: Row[][];
}

type Row = [number | null, number, null];

export interface LogprobQuestion {
  /** First position of the prompt whose log-probability is told. */
  start: number;
  /** Alternatives that are told beside each token. */
  top: number;
}

/** What a request asks for; null where it wants none. `-1`, the default, is the written tokens alone. */
export function logprobQuestion(body: Record<string, unknown>, promptTokens: number): LogprobQuestion | null {
  if (body.return_logprob !== true) return null;
  const start = typeof body.logprob_start_len === "number" ? body.logprob_start_len : -1;
  return {
    start: start < 0 ? Math.max(0, promptTokens - 1) : Math.min(start, promptTokens),
    top: typeof body.top_logprobs_num === "number" ? body.top_logprobs_num : 0,
  };
}

/**
 * Emulated values: a function of the token alone, and a little noise. Two engines of one model differ by the order in which
 * they add numbers, and a reader that compares exactly must fail here as it would on GPUs.
 */
export function logprobMeta(
  { start, top }: LogprobQuestion,
  promptIds: readonly number[],
  outputIds: readonly number[],
): LogprobMeta {
  // The first token of a prompt follows nothing, so it has no probability.
  const input = promptIds
    .slice(start)
    .map((id, at): Row => [start + at === 0 ? null : noisy(inputLogprob(id)), id, null]);
  const output = outputIds.map((id): Row => [noisy(outputLogprob(id)), id, null]);
  return {
    input_token_logprobs: input,
    output_token_logprobs: output,
    ...(top > 0
      ? {
          input_top_logprobs: input.map((row) => (row[0] === null ? null : beside(row, top))),
          output_top_logprobs: output.map((row) => beside(row, top)),
        }
      : {}),
  };
}

const NOISE = 0.01;
/** English text is predicted with about two nats a token; a model that writes greedily is surer of its own words. */
const INPUT = { least: 0.5, most: 3.5 };
const OUTPUT = { least: 0.01, most: 0.5 };
/** How far the second choice lies behind the first. */
const GAP = { least: 0.8, most: 4 };

const noisy = (value: number) => value + (Math.random() * 2 - 1) * NOISE;
const inputLogprob = (id: number) => -between(INPUT, id, "input");
const outputLogprob = (id: number) => -between(OUTPUT, id, "output");

function between({ least, most }: { least: number; most: number }, id: number, what: string): number {
  const hash = createHash("sha256").update(`${what} ${id}`).digest();
  return least + ((most - least) * hash.readUInt16BE(0)) / 65_535;
}

function beside([logprob, id]: Row, top: number): Row[] {
  const gap = between(GAP, id, "gap");
  return Array.from({ length: top }, (_, at): Row => [(logprob ?? 0) - at * gap, id + at, null]);
}
