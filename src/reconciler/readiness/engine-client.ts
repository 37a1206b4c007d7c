import { randomUUID } from "node:crypto";
import { Agent } from "undici";
import type { GoldenAnswer } from "../../failover/readiness/answers.ts";
import type { EngineInfo } from "../../failover/readiness/facts.ts";
import { request } from "../../http-request.ts";

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
  /** Of the engine's queue; null where it keeps no order of priority. */
  priority?: number | null;
}

/** An order to end a request is small; an engine that does not take it at once hangs. */
const ABORT_WITHIN_MS = 1_000;
const ORDERS_AT_ONCE = 16;

/** Talks to the engine of one group, as the gateways do: the same address, the same key. */
export class EngineClient {
  readonly #url: string;
  readonly #key: string | null;
  // SGLang closes idle connections after 5 s; a request on one that is closing fails for nothing.
  readonly #dispatcher = new Agent({ connections: 512, keepAliveTimeout: 1_000, keepAliveMaxTimeout: 1_000 });
  // Orders to end requests never wait behind those requests.
  readonly #orders = new Agent({ connections: ORDERS_AT_ONCE, keepAliveTimeout: 1_000, keepAliveMaxTimeout: 1_000 });
  readonly #toEnd: string[] = [];
  readonly #ordering = new Set<Promise<void>>();

  constructor(url: string, key: string | null) {
    this.#url = url;
    this.#key = key;
  }

  /** Its resolved arguments. The scheduler answers it, so it hangs with the ranks. Holds keys in clear: never pass it on. */
  async info(signal: AbortSignal, timeoutMs: number): Promise<EngineInfo> {
    return (await this.#call("GET", "/server_info", undefined, signal, timeoutMs)) as EngineInfo;
  }

  /**
   * One answer. Without it, because `signal` was aborted or in vain, the engine is told to end the request: it looks only every
   * 4 s whether a client is still there (SGLANG_REQUEST_STATE_WAIT_TIMEOUT), and until then a long prompt holds up its queue.
   *
   * @throws EngineFailure, or whatever `signal` was aborted with.
   */
  async generate(question: GoldenQuestion, signal: AbortSignal, timeoutMs: number): Promise<GoldenAnswer> {
    const began = performance.now();
    const rid = `tandem-readiness-${randomUUID()}`;
    const abandon = () => this.#end(rid);
    signal.addEventListener("abort", abandon, { once: true });
    const body = {
      rid,
      text: question.text,
      sampling_params: { temperature: 0, max_new_tokens: question.tokens, ignore_eos: true },
      return_logprob: true,
      logprob_start_len: question.withPrompt ? 0 : -1,
      top_logprobs_num: 2,
      stream: false,
      ...(question.dpRank === null ? {} : { routed_dp_rank: question.dpRank }),
      ...(question.priority === null || question.priority === undefined ? {} : { priority: question.priority }),
    };
    try {
      const answer = await this.#call("POST", "/generate", body, signal, timeoutMs);
      return readAnswer(answer, question.withPrompt, performance.now() - began);
    } catch (error) {
      if (error instanceof EngineFailure && error.kind === "timeout") abandon();
      throw error;
    } finally {
      signal.removeEventListener("abort", abandon);
    }
  }

  /** Orders to end what runs still go out. */
  async close(): Promise<void> {
    await this.#dispatcher.destroy();
    await Promise.all(this.#ordering);
    await this.#orders.close();
  }

  /** Tells the engine to end a request. A full batch of orders is sent a few at a time. */
  #end(rid: string): void {
    this.#toEnd.push(rid);
    if (this.#ordering.size >= ORDERS_AT_ONCE) return;
    const ordering = this.#order().finally(() => this.#ordering.delete(ordering));
    this.#ordering.add(ordering);
  }

  async #order(): Promise<void> {
    for (let next = this.#toEnd.shift(); next !== undefined; next = this.#toEnd.shift()) await this.#abort(next);
  }

  /** An unknown id is no error to the engine. One that wants another key for this than we have ends the request by itself. */
  async #abort(rid: string): Promise<void> {
    try {
      const { body } = await request(new URL("/abort_request", this.#url), {
        dispatcher: this.#orders,
        method: "POST",
        headers: { ...this.#authorization(), "content-type": "application/json" },
        body: JSON.stringify({ rid }),
        signal: AbortSignal.timeout(ABORT_WITHIN_MS),
      });
      await body.dump();
    } catch {
      // An engine that is away has no queue either.
    }
  }

  #authorization(): Record<string, string> {
    return this.#key === null ? {} : { authorization: `Bearer ${this.#key}` };
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
          ...this.#authorization(),
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
