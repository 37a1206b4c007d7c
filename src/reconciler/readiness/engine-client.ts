import { Agent, request } from "undici";
import type { GoldenAnswer } from "../../failover/readiness/answers.ts";
import type { EngineInfo } from "../../failover/readiness/facts.ts";

/** Why an engine gave no answer that could be judged. `key`: it refuses the key that the gateways use. */
export class EngineFailure extends Error {
  readonly kind: "key" | "timeout" | "refused" | "away";

  constructor(kind: EngineFailure["kind"], message: string) {
    super(message);
    this.name = "EngineFailure";
    this.kind = kind;
  }
}

export interface GoldenQuestion {
  text: string;
  tokens: number;
  /** Log-probabilities of the prompt too; they make the engine compute it anew, whatever it has cached. */
  withPrompt: boolean;
  /** Attention-DP rank that shall answer; null lets the engine choose. */
  dpRank: number | null;
}

/** Talks to the engine of one group, as the gateways do: the same address, the same key. */
export class EngineClient {
  readonly #url: string;
  readonly #key: string | null;
  // SGLang closes idle connections after 5 s; a request on one that is closing fails for nothing.
  readonly #dispatcher = new Agent({ connections: 512, keepAliveTimeout: 1_000, keepAliveMaxTimeout: 1_000 });

  constructor(url: string, key: string | null) {
    this.#url = url;
    this.#key = key;
  }

  /** Its resolved arguments. The scheduler answers it, so it hangs with the ranks. Holds keys in clear: never pass it on. */
  async info(signal: AbortSignal, timeoutMs: number): Promise<EngineInfo> {
    return (await this.#call("GET", "/server_info", undefined, signal, timeoutMs)) as EngineInfo;
  }

  /** @throws EngineFailure, or whatever `signal` was aborted with. */
  async generate(question: GoldenQuestion, signal: AbortSignal, timeoutMs: number): Promise<GoldenAnswer> {
    const began = performance.now();
    const body = {
      text: question.text,
      sampling_params: { temperature: 0, max_new_tokens: question.tokens, ignore_eos: true },
      return_logprob: true,
      logprob_start_len: question.withPrompt ? 0 : -1,
      top_logprobs_num: 2,
      stream: false,
      ...(question.dpRank === null ? {} : { routed_dp_rank: question.dpRank }),
    };
    const answer = await this.#call("POST", "/generate", body, signal, timeoutMs);
    return readAnswer(answer, question.withPrompt, performance.now() - began);
  }

  close(): Promise<void> {
    return this.#dispatcher.destroy();
  }

  async #call(
    method: "GET" | "POST",
    path: string,
    body: unknown,
    signal: AbortSignal,
    timeoutMs: number,
  ): Promise<unknown> {
    const limit = AbortSignal.timeout(timeoutMs);
    try {
      const response = await request(new URL(path, this.#url), {
        dispatcher: this.#dispatcher,
        method,
        headers: {
          ...(this.#key === null ? {} : { authorization: `Bearer ${this.#key}` }),
          ...(body === undefined ? {} : { "content-type": "application/json" }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: AbortSignal.any([signal, limit]),
        headersTimeout: timeoutMs,
        bodyTimeout: timeoutMs,
      });
      const text = await response.body.text();
      if (response.statusCode === 401 || response.statusCode === 403)
        throw new EngineFailure("key", `it refuses the key of the gateways (${response.statusCode})`);
      if (response.statusCode !== 200)
        throw new EngineFailure("refused", `it answers ${path} with ${response.statusCode}: ${text.slice(0, 200)}`);
      return JSON.parse(text);
    } catch (error) {
      if (error instanceof EngineFailure) throw error;
      signal.throwIfAborted();
      if (limit.aborted) throw new EngineFailure("timeout", `${path}: no answer in ${Math.round(timeoutMs / 1000)} s`);
      throw new EngineFailure("away", `${path}: ${(error as Error).message}`);
    }
  }
}

type Row = [number | null, number, unknown];

function readAnswer(raw: unknown, withPrompt: boolean, ms: number): GoldenAnswer {
  const meta = (raw as { meta_info?: Record<string, unknown> } | null)?.meta_info ?? {};
  const rows = (name: string) => (Array.isArray(meta[name]) ? (meta[name] as Row[]) : []);
  const output = rows("output_token_logprobs");
  const tops = Array.isArray(meta.output_top_logprobs) ? (meta.output_top_logprobs as Row[][]) : [];
  if (output.length === 0) throw new EngineFailure("refused", "/generate gives no log-probabilities");
  return {
    ids: output.map(([, id]) => id),
    logprobs: output.map(([logprob]) => logprob ?? Number.NaN),
    gaps: tops.map((row) => (row?.[0]?.[0] ?? 0) - (row?.[1]?.[0] ?? Number.NEGATIVE_INFINITY)),
    // The first token of a prompt follows nothing and has none.
    prompt: withPrompt
      ? rows("input_token_logprobs")
          .slice(1)
          .map(([logprob]) => logprob ?? Number.NaN)
      : [],
    ms,
  };
}
