import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Prompt } from "./prompt.ts";
import type { EngineRequest, Finish, Generated, Progress } from "./request.ts";
import type { Sampling } from "./sampling.ts";
import type { Scheduler } from "./scheduler.ts";

/** SGLang aborts 2 s after a streaming response has ended without its client (tokenizer_manager.py:2427). */
const ABORT_AFTER_MS = 2000;

export interface Choice {
  index: number;
  text: string;
  ids: number[];
  progress: Progress;
  finish: Finish | null;
}

export interface GenerationEvents {
  /** New tokens of one choice, or its end; `first` is true once for each choice. */
  onTokens(choice: Choice, tokens: readonly Generated[], first: boolean): void;
  /** All choices have ended, or one was refused with a status code: nothing follows. */
  onEnd(choices: readonly Choice[], refusal: { message: string; statusCode: 400 | 503 } | null): void;
}

const NO_PROGRESS: Progress = { promptTokens: 0, completionTokens: 0, reasoningTokens: 0, cachedTokens: 0 };

/** A request id as SGLang makes one: 32 hex digits. */
export const newRid = () => randomUUID().replaceAll("-", "");

/** Hands one client request with `n` choices to the scheduler and watches the client. */
export function generate(
  scheduler: Scheduler,
  prompt: Prompt,
  sampling: Sampling,
  rid: string,
  client: { request: IncomingMessage; response: ServerResponse },
  events: GenerationEvents,
): void {
  const choices: Choice[] = Array.from({ length: sampling.n }, (_, index) => ({
    index,
    text: "",
    ids: [],
    progress: NO_PROGRESS,
    finish: null,
  }));
  const rids = choices.map(({ index }) => (sampling.n === 1 ? rid : `${rid}_${index}`));
  let over = false;
  let started = false;
  const end = (refusal: { message: string; statusCode: 400 | 503 } | null) => {
    if (over) return;
    over = true;
    if (refusal !== null) scheduler.abort(rids);
    events.onEnd(choices, refusal);
  };
  client.response.on("close", () => {
    if (over || client.response.writableFinished) return;
    over = true;
    // Before the first token the connection is only looked at every few seconds.
    const wait = started ? ABORT_AFTER_MS : scheduler.settings.env.requestPollMs;
    setTimeout(() => scheduler.abort(rids), wait).unref();
  });
  for (const choice of choices) {
    let first = true;
    const request: EngineRequest = {
      rid: rids[choice.index] as string,
      promptIds: prompt.ids,
      shape: prompt.shape,
      state: prompt.state,
      maxNewTokens: sampling.maxNewTokens,
      stop: sampling.stop,
      ignoreEos: sampling.ignoreEos,
      priority: sampling.priority,
      message: prompt.message,
      probe: false,
      dpRank: sampling.dpRank,
      recomputeFrom: sampling.recomputeFrom ?? null,
      emit: (tokens, finish, progress) => {
        if (over) return;
        started = true;
        choice.progress = progress;
        choice.finish = finish;
        for (const token of tokens) {
          choice.text += token.text;
          choice.ids.push(token.id);
        }
        if (finish?.type === "abort" && finish.statusCode !== undefined)
          return end({ message: finish.message, statusCode: finish.statusCode });
        events.onTokens(choice, tokens, first);
        first = false;
        if (choices.every((one) => one.finish !== null)) end(null);
      },
    };
    scheduler.submit(request);
  }
}
