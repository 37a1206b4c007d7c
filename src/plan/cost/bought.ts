import type { PriceBook } from "./prices.ts";

/** One price list: dollars for a million output tokens with the input that belongs to them. */
export interface BoughtCost {
  name: string;
  usdPerMillionOutput: number;
  date: string;
  note: string | undefined;
}

/** What a million output tokens costs with the input that belongs to it, cheapest first. */
export function boughtCosts(
  { inputTokens, outputTokens, prefixHitRate }: { inputTokens: number; outputTokens: number; prefixHitRate: number },
  book: PriceBook,
): BoughtCost[] {
  const inputs = inputTokens / outputTokens;
  return Object.entries(book.tokens)
    .map(([name, { inputUsd, cachedInputUsd, outputUsd, date, note }]) => ({
      name,
      usdPerMillionOutput: inputs * ((1 - prefixHitRate) * inputUsd + prefixHitRate * cachedInputUsd) + outputUsd,
      date,
      note,
    }))
    .sort((a, b) => a.usdPerMillionOutput - b.usdPerMillionOutput);
}
