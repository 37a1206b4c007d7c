import type { ConstantName } from "./constants.ts";

/** One figure that the model gives: what it is, its formula, and which constants move it. */
export interface ModelOutput {
  means: string;
  formula: string;
  inputs: string;
  constants: readonly ConstantName[];
}

/** Every figure of `tandem size` and `tandem cost` that comes from the performance model, by the name of its topic. */
export const MODEL_OUTPUTS: Readonly<Record<string, ModelOutput>> = {
  ttft: {
    means: "seconds from a question to the first token of its answer",
    formula:
      "request overhead + own prefill + half a decode step + busy / (2 (1 − busy)) of a prefill for prompts before it + wait while the KV cache is full",
    inputs: "users at once, input and output lengths, prefix-hit rate, layout, GPU data sheet, network, KV tokens",
    constants: [
      "requestMilliseconds",
      "prefillMicrosecondsPerLayer",
      "cutExpertEfficiency",
      "wholeExpertEfficiency",
      "betweenServersMicroseconds",
    ],
  },
  tpot: {
    means: "seconds for each further token of one answer; tokens/s of a user is one over it",
    formula:
      "D + (C − 1) P / m: a decode step, and the prefills of the C − 1 other users spread over m output tokens; with MTP a step yields 2.5 tokens",
    inputs: "users at once C, input and output lengths, layout, GPU data sheet, network",
    constants: [
      "launchMicrosecondsPerLayer",
      "memoryEfficiency",
      "betweenServersMicroseconds",
      "cutExpertEfficiency",
      "wholeExpertEfficiency",
      "prefillMicrosecondsPerLayer",
    ],
  },
  "decode-step": {
    means: "seconds of one pass that gives every running answer a token",
    formula:
      "launch · layers + max((always-read weights + routed experts · (1 − (1 − 8/256)^tokens)) / memory, arithmetic / FP8) + KV / memory + exchange",
    inputs: "layout, parameters per part, bits, KV bytes a token, GPU data sheet, network",
    constants: [
      "launchMicrosecondsPerLayer",
      "memoryEfficiency",
      "betweenServersMicroseconds",
      "cutExpertEfficiency",
      "wholeExpertEfficiency",
    ],
  },
  "tokens-per-second": {
    means: "output tokens of a group in a second, all users together",
    formula: "C m / L with the life of a request L = request overhead + m D + C P",
    inputs: "users at once C, output tokens m, decode step D, prefill P",
    constants: [
      "launchMicrosecondsPerLayer",
      "memoryEfficiency",
      "betweenServersMicroseconds",
      "cutExpertEfficiency",
      "wholeExpertEfficiency",
      "requestMilliseconds",
      "prefillMicrosecondsPerLayer",
    ],
  },
  concurrency: {
    means: "users that a group serves at once within the ask",
    formula:
      "the most users for which input + output fits the KV cache, --max-running-requests holds, and first token and tokens/s meet the ask (sure: at the bad end of the range)",
    inputs: "KV tokens of the layout, lengths, --ttft, --tokens-per-second",
    constants: [],
  },
};
