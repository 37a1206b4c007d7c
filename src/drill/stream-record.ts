import type { StreamRequest } from "./stream-request.ts";

/** A piece of text as it arrived. Times are milliseconds of this machine's monotonic clock. */
export interface Piece {
  atMs: number;
  /** `call`: arguments of a tool call. */
  channel: "reasoning" | "content" | "call";
  text: string;
  /** Of an answer with several; 0 if left out. */
  choice?: number;
}

export interface Usage {
  promptTokens: number;
  completionTokens: number;
  totalTokens: number;
  reasoningTokens: number;
}

/** Everything that one stream said, unjudged. */
export interface StreamRecord {
  request: StreamRequest;
  openedAtMs: number;
  /** HTTP status; null when no answer came. */
  status: number | null;
  pieces: Piece[];
  /** Every id that a chunk carried, without repetitions. */
  ids: string[];
  finishes: { atMs: number; reason: string; choice?: number }[];
  /** Beginnings of tool calls. */
  calls: { atMs: number; id: string; name: string }[];
  usages: Usage[];
  /** Error events of the stream, refusals, and what the transport said. */
  errors: { atMs: number; text: string }[];
  /** `[DONE]` came. */
  done: boolean;
  /** Frames after `[DONE]`. */
  framesAfterDone: number;
  endedAtMs: number | null;
}

export function emptyRecord(request: StreamRequest, openedAtMs: number): StreamRecord {
  return {
    request,
    openedAtMs,
    status: null,
    pieces: [],
    ids: [],
    finishes: [],
    calls: [],
    usages: [],
    errors: [],
    done: false,
    framesAfterDone: 0,
    endedAtMs: null,
  };
}
