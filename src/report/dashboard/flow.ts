/** Time of one slice. Gateways are heard twice a second. */
export const SLICE_MS = 500;
/** A minute. */
export const SLICES = 120;

/** Tokens that groups wrote in the last minute, by the word of the gateways. Plain data; `heardTokens` makes the next one. */
export interface TokenFlow {
  /** Number of the slice that `slices` ends with: monotonic time over `SLICE_MS`. */
  lastSlice: number;
  /** Of each group the tokens of the last `SLICES` slices, the latest last. */
  slices: Readonly<Record<string, readonly number[]>>;
  /** What each gateway has told last: how many tokens each group wrote for it since it started. */
  told: Readonly<Record<string, { atMs: number; tokens: Readonly<Record<string, number>> }>>;
}

export const NO_FLOW: TokenFlow = { lastSlice: 0, slices: {}, told: {} };

/**
 * Takes in one answer of one gateway. What was written since its last answer is spread over that time; a gateway that was started
 * anew counts from 0.
 *
 * @param atMs monotonic
 */
export function heardTokens(
  flow: TokenFlow,
  gateway: string,
  tokens: Readonly<Record<string, number>>,
  atMs: number,
): TokenFlow {
  const { lastSlice, slices } = movedTo(flow, atMs);
  const before = flow.told[gateway];
  const told = { ...flow.told, [gateway]: { atMs, tokens } };
  if (before === undefined) return { lastSlice, slices, told };
  const grown = Object.entries(tokens).map(([group, total]) => {
    const last = before.tokens[group] ?? 0;
    const written = total >= last ? total - last : total;
    return [group, added(slices[group], written, before.atMs, atMs, lastSlice)] as const;
  });
  return { lastSlice, slices: { ...slices, ...Object.fromEntries(grown) }, told };
}

/** Tokens a second of each group over the last minute, a figure a slice; the one that has just begun is left out. */
export function ratesOf(flow: TokenFlow, groups: readonly string[], atMs: number): Record<string, number[]> {
  const { slices } = movedTo(flow, atMs);
  return Object.fromEntries(
    groups.map((group) => [
      group,
      (slices[group] ?? empty()).slice(0, -1).map((tokens) => Math.round((tokens * 1000) / SLICE_MS)),
    ]),
  );
}

function movedTo({ lastSlice, slices }: TokenFlow, atMs: number): Pick<TokenFlow, "lastSlice" | "slices"> {
  const present = Math.floor(atMs / SLICE_MS);
  const by = Math.min(SLICES, Math.max(0, present - lastSlice));
  if (by === 0) return { lastSlice, slices };
  const moved = Object.entries(slices).map(
    ([group, row]) => [group, [...row.slice(by), ...Array(by).fill(0)]] as const,
  );
  return { lastSlice: present, slices: Object.fromEntries(moved) };
}

function added(
  row: readonly number[] = empty(),
  written: number,
  fromMs: number,
  toMs: number,
  lastSlice: number,
): readonly number[] {
  if (written === 0) return row;
  const next = [...row];
  const lengthMs = Math.max(1, toMs - fromMs);
  const first = Math.max(Math.floor(fromMs / SLICE_MS), lastSlice - SLICES + 1);
  for (let slice = first; slice <= lastSlice; slice++) {
    const overlapMs = Math.min(toMs, (slice + 1) * SLICE_MS) - Math.max(fromMs, slice * SLICE_MS);
    const at = SLICES - 1 - (lastSlice - slice);
    if (overlapMs > 0) next[at] = (next[at] ?? 0) + (written * overlapMs) / lengthMs;
  }
  return next;
}

const empty = (): number[] => Array(SLICES).fill(0);
