import { bad, good, type Verdict } from "./facts.ts";
import type { ReadinessRules } from "./rules.ts";

/** What an engine answered to one golden prompt, greedily. */
export interface GoldenAnswer {
  /** Tokens written, with their log-probabilities and how far the second choice lay behind the first (nats). */
  ids: readonly number[];
  logprobs: readonly number[];
  gaps: readonly number[];
  /** Log-probabilities of the prompt's own tokens; empty where they were not asked for. */
  prompt: readonly number[];
  /** From the request to the whole answer. */
  ms: number;
}

/** What the active group answered, and how much its own answers differ from one time to the next. */
export interface Reference {
  group: string;
  revision: string;
  model: string;
  answers: readonly GoldenAnswer[];
  /** Largest difference of a log-probability between its repeats, nats. */
  noise: number;
}

/** The tolerance that a reference is compared with, nats. */
export function toleranceOf(noise: number, sameRevision: boolean, rules: ReadinessRules): number {
  const own =
    Math.max(rules.toleranceFloor, rules.toleranceFactor * noise) * (sameRevision ? 1 : rules.otherRevisionFactor);
  return Math.min(own, rules.toleranceCeiling);
}

/**
 * Compares tokens and log-probabilities, never text. Where the two write different tokens, the first must have been nearly
 * indifferent between them; what follows is then another text, and says nothing more.
 */
export function compareAnswers(reference: GoldenAnswer, answer: GoldenAnswer, tolerance: number): Verdict {
  const numbers = [...answer.logprobs, ...answer.prompt];
  if (numbers.some((value) => !Number.isFinite(value))) return bad("it gives log-probabilities that are no numbers");
  if (answer.ids.length === 0) return bad("it writes nothing");
  const promptFar = farthest(reference.prompt, answer.prompt, Number.POSITIVE_INFINITY);
  if (promptFar.by > tolerance)
    return bad(
      `token ${promptFar.at} of the prompt is predicted ${promptFar.by.toFixed(2)} nats apart, tolerance ${tolerance.toFixed(2)}`,
    );
  const split = answer.ids.findIndex((id, at) => at < reference.ids.length && id !== reference.ids[at]);
  const far = farthest(reference.logprobs, answer.logprobs, split < 0 ? Number.POSITIVE_INFINITY : split);
  if (far.by > tolerance)
    return bad(`token ${far.at} of the answer is ${far.by.toFixed(2)} nats apart, tolerance ${tolerance.toFixed(2)}`);
  if (split >= 0 && (reference.gaps[split] ?? 0) > 2 * tolerance)
    return bad(
      `it writes another token at ${split}, where the active group was ${(reference.gaps[split] ?? 0).toFixed(2)} nats sure of its own`,
    );
  const most = Math.max(promptFar.by, far.by);
  return good(`within ${most.toFixed(3)} nats, tolerance ${tolerance.toFixed(2)}`);
}

/** The largest difference at one position, up to `until`. */
export function farthest(a: readonly number[], b: readonly number[], until: number): { at: number; by: number } {
  let most = { at: -1, by: 0 };
  for (let at = 0; at < Math.min(a.length, b.length, until); at++) {
    const by = Math.abs((a[at] as number) - (b[at] as number));
    if (by > most.by) most = { at, by };
  }
  return most;
}

/** Without anything to compare with: plain English must not surprise a model that has learned it. */
export function makesSense(answers: readonly GoldenAnswer[], { senselessBelow }: ReadinessRules): Verdict {
  const all = answers.flatMap(({ prompt }) => prompt);
  if (answers.some(({ logprobs, prompt }) => [...logprobs, ...prompt].some((value) => !Number.isFinite(value))))
    return bad("it gives log-probabilities that are no numbers");
  if (all.length === 0) return bad("it tells no log-probabilities");
  const mean = all.reduce((sum, value) => sum + value, 0) / all.length;
  if (mean < senselessBelow)
    return bad(`plain English surprises it (${mean.toFixed(1)} nats a token): its weights are wrong`);
  return good(`plain English has ${mean.toFixed(1)} nats a token`);
}

/** How much repeats of the same prompts differ: the noise that no comparison may take for a defect. */
export function noiseOf(first: readonly GoldenAnswer[], second: readonly GoldenAnswer[]): number {
  return Math.max(
    0,
    ...first.map((one, at) => {
      const other = second[at];
      if (other === undefined) return 0;
      const split = one.ids.findIndex((id, token) => id !== other.ids[token]);
      return Math.max(
        farthest(one.prompt, other.prompt, Number.POSITIVE_INFINITY).by,
        farthest(one.logprobs, other.logprobs, split < 0 ? Number.POSITIVE_INFINITY : split).by,
      );
    }),
  );
}
