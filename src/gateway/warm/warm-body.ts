/**
 * Asks an engine to read what `body` would let it continue, and to write one token of it: SGLang keeps what it has read for the
 * next request with the same beginning.
 *
 * @param dpRank attention-DP rank that reads it: each has a cache of its own; null where there is one
 */
export function warmBody(
  body: Readonly<Record<string, unknown>>,
  rid: string,
  dpRank: number | null,
): Record<string, unknown> {
  const { stream_options: _, max_completion_tokens: __, min_tokens: ___, ...rest } = body;
  return { ...rest, ...atRank(dpRank), stream: false, max_tokens: 1, rid };
}

/** The field that sends a request to one attention-DP rank (entrypoints/openai/protocol.py). */
export function atRank(dpRank: number | null | undefined): { routed_dp_rank?: number } {
  return dpRank == null ? {} : { routed_dp_rank: dpRank };
}
