import type { ModelOutput } from "./model-output.ts";

/** Figures of the performance model, by the name of their topic. */
export const SPEED_OUTPUTS: Readonly<Record<string, ModelOutput>> = {
  ttft: {
    figures: ["ttftSeconds"],
    sources: "published runs",
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
    figures: ["tpotSeconds", "tokensPerSecondPerUser", "tokensPerSecondEach"],
    sources: "published runs",
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
    figures: [],
    sources: "published runs",
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
    figures: ["outputTokensPerSecond", "outputTokensPerSecondAtPeak"],
    sources: "published runs",
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
    figures: ["mostUsers", "usersAtPeak", "usersPerGroup", "givesFirst", "users"],
    sources: "published runs",
    means: "users that a group serves at once within the ask",
    formula:
      "the most users for which input + output fits the KV cache, --max-running-requests holds, and first token and tokens/s meet the ask (sure: at the bad end of the range)",
    inputs: "KV tokens of the layout, lengths, --ttft, --tokens-per-second",
    constants: [],
  },
  prefill: {
    figures: [],
    sources: "published runs",
    means: "seconds that a new question holds back all running answers",
    formula: "arithmetic / FP8 + attention / bf16 + exchange + floor · layers / questions that share the batch",
    inputs: "input length less what is cached, chunk of a rank, layout, GPU data sheet, network",
    constants: [
      "cutExpertEfficiency",
      "wholeExpertEfficiency",
      "prefillMicrosecondsPerLayer",
      "betweenServersMicroseconds",
    ],
  },
  "prefill-share": {
    figures: ["prefillShare"],
    sources: "published runs",
    means: "share of the time in which prefill holds back all running answers",
    formula: "requests/s · P, at most 0.99",
    inputs: "requests/s, prefill P",
    constants: ["cutExpertEfficiency", "wholeExpertEfficiency", "prefillMicrosecondsPerLayer"],
  },
  "requests-per-second": {
    figures: ["requestsPerSecond", "inputTokensPerSecond"],
    sources: "published runs",
    means: "questions of a group in a second; times the input length, its input tokens",
    formula: "C / L with the life of a request L = request overhead + m D + C P",
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
  running: {
    figures: ["running"],
    sources: "SGLang's memory",
    means: "requests of a group that run at the same time; the others wait",
    formula: "the smaller of the users and KV tokens / (input + output)",
    inputs: "users at once, KV tokens of the layout, lengths",
    constants: [],
  },
  verdict: {
    figures: ["verdict", "calibrated"],
    sources: "published runs",
    means: "sure, likely or no: whether a set of servers meets the ask, and whether a run that was fitted speaks to it",
    formula:
      "sure: times · (1 + 0.35) meet the ask; likely: the times do, or no used run has this GPU or these weights; no: they do not",
    inputs: "--ttft, --tokens-per-second, users, GPU kind, model",
    constants: [],
  },
  servers: {
    figures: ["servers", "serversPerGroup", "activeGroups", "gpusPerServer"],
    sources: "published runs",
    means: "servers to buy or rent, and how they are grouped",
    formula:
      "groups that serve · servers of a group, and for a hot standby one group more, for a spare one server more; the fewest whose verdict is not no",
    inputs: "users, --survive, --max-servers, servers of a group 1, 2 or 4",
    constants: [],
  },
};
