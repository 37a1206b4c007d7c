import { HttpError } from "./http-error.ts";
import type { EngineSettings } from "./settings.ts";

/** The sampling fields that change what the emulated model writes. */
export interface Sampling {
  maxNewTokens: number;
  stop: string[];
  ignoreEos: boolean;
  n: number;
  priority: number;
  rid: string | null;
  dpRank: number | null;
  /** Log-probabilities of the prompt are asked for from here on: no cached prefix reaches further (schedule_batch.py). */
  recomputeFrom?: number | null;
}

function integer(body: Record<string, unknown>, field: string): number | null {
  const value = body[field];
  if (value === undefined || value === null) return null;
  if (typeof value !== "number" || !Number.isInteger(value))
    throw new HttpError(400, `${field}: Input should be a valid integer`);
  return value;
}

function stopList(raw: unknown): string[] {
  if (raw === undefined || raw === null) return [];
  const list = Array.isArray(raw) ? raw : [raw];
  if (!list.every((text) => typeof text === "string")) throw new HttpError(400, "stop: Input should be a valid string");
  return list.filter((text) => text !== "");
}

/**
 * Reads `body` (an OpenAI body, or `sampling_params` of `/generate`) against a prompt of `promptTokens`; a length above the
 * context is refused as tokenizer_manager.py:1360-1378 does.
 */
export function readSampling(
  body: Record<string, unknown>,
  outer: Record<string, unknown>,
  promptTokens: number,
  settings: EngineSettings,
): Sampling {
  const asked =
    integer(body, "max_completion_tokens") ?? integer(body, "max_tokens") ?? integer(body, "max_new_tokens");
  if (asked !== null && asked < 0)
    throw new HttpError(400, `max_new_tokens must be at least 0, got ${asked}.`, "BadRequest");
  const room = settings.contextLength - promptTokens;
  if (room <= 0)
    throw new HttpError(
      400,
      `The input (${promptTokens} tokens) is longer than the model's context length (${settings.contextLength} tokens).`,
      "BadRequestError",
    );
  if (asked !== null && asked > room)
    throw new HttpError(
      400,
      `Requested token count exceeds the model's maximum context length of ${settings.contextLength} tokens. You requested a ` +
        `total of ${asked + promptTokens} tokens: ${promptTokens} tokens from the input messages and ${asked} tokens for the ` +
        "completion. Please reduce the number of tokens in the input messages or the completion to fit within the limit.",
      "BadRequestError",
    );
  const priority = integer(outer, "priority");
  // Without a default a request that names no priority gets the lowest one (scheduler.py:3520).
  const lowest = settings.priority.lowFirst ? Number.MAX_SAFE_INTEGER : Number.MIN_SAFE_INTEGER;
  return {
    maxNewTokens: Math.max(1, asked ?? room),
    stop: stopList(body.stop),
    ignoreEos: body.ignore_eos === true,
    n: Math.max(1, integer(body, "n") ?? 1),
    priority: priority ?? settings.priority.defaultValue ?? (settings.priority.enabled ? lowest : 0),
    rid: typeof outer.rid === "string" ? outer.rid : null,
    dpRank: dpRankOf(outer, settings.attnDpSize),
  };
}

/** entrypoints/engine.py, `_resolve_routed_dp_rank`. */
function dpRankOf(outer: Record<string, unknown>, attnDpSize: number): number | null {
  const rank = integer(outer, "routed_dp_rank") ?? integer(outer, "data_parallel_rank");
  if (rank === null || (rank >= 0 && rank < attnDpSize)) return rank;
  throw new HttpError(400, `routed_dp_rank=${rank} out of range [0, ${attnDpSize})`, "BadRequestError");
}
