import { initialState, tagOf } from "../tokens.ts";
import { newRid } from "./generation.ts";
import type { Scheduler } from "./scheduler.ts";
import type { EngineSettings } from "./settings.ts";
import { encode } from "./tokenizer.ts";

const PROMPT = "The capital city of France is";
const NEW_TOKENS = 8;

/** One request of 8 tokens for each attention-DP rank before the server says that it is up (http_server.py:2360). */
export async function warmUp(settings: EngineSettings, scheduler: Scheduler): Promise<void> {
  if (settings.args.skip_server_warmup === true) return;
  const one = (dpRank: number) =>
    new Promise<void>((resolve) => {
      const shape = { tag: tagOf(PROMPT), reasoning: null, opensThink: false, answer: NEW_TOKENS };
      scheduler.submit({
        rid: newRid(),
        promptIds: encode(PROMPT),
        shape,
        state: initialState(shape),
        maxNewTokens: NEW_TOKENS,
        stop: [],
        ignoreEos: true,
        priority: 0,
        message: PROMPT,
        probe: false,
        dpRank,
        emit: (_tokens, finish) => {
          if (finish !== null) resolve();
        },
      });
    });
  await Promise.all(Array.from({ length: settings.attnDpSize }, (_, rank) => one(rank)));
}
