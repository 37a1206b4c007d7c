import { z } from "zod";
import priceData from "../data/prices.json" with { type: "json" };

const money = z.number().min(0);
const dated = { date: z.string().min(1), source: z.string().min(1) };
const minutes = z.strictObject({ low: money, high: money, source: z.string() });

const Server = z.strictObject({ lowUsd: money, highUsd: money, kilowatts: money, ...dated });
const Rent = z.strictObject({
  gpu: z.string(),
  usdPerServerHour: money,
  /** Where the source names a range. */
  highUsdPerServerHour: money.optional(),
  ...dated,
});
const Tokens = z.strictObject({
  inputUsd: money,
  cachedInputUsd: money,
  outputUsd: money,
  note: z.string().optional(),
  ...dated,
});
const Operation = z.strictObject({
  depreciationYears: z.number().positive(),
  powerUsageEffectiveness: z.number().min(1),
  usdPerKilowattHour: money,
  lowOtherUsdPerHour: money,
  highOtherUsdPerHour: money,
  ...dated,
});
const Outages = z.strictObject({
  gpuDaysPerFault: z.number().positive(),
  faultSource: z.string(),
  minutes: z.strictObject({ none: minutes, degraded: minutes, spare: minutes, hot: minutes }),
});

const PriceBook = z.strictObject({
  servers: z.record(z.string(), Server),
  operation: Operation,
  rents: z.record(z.string(), Rent),
  tokens: z.record(z.string(), Tokens),
  outages: Outages,
});

/** Dated prices in US dollars; a server is 8 GPUs, tokens are counted in millions. */
export type PriceBook = z.infer<typeof PriceBook>;

/** What a file of `--prices` may say: whole entries, which replace or join those of the book; fields of `operation`. */
export const PriceOverrides = z.strictObject({
  servers: z.record(z.string(), Server).optional(),
  operation: Operation.partial().optional(),
  rents: z.record(z.string(), Rent).optional(),
  tokens: z.record(z.string(), Tokens).optional(),
  outages: Outages.partial().optional(),
});

const { _about, ...book } = priceData;

/** The book that comes with the program. */
export const PRICES: PriceBook = PriceBook.parse(book);

/** The book with what a person knows better. */
export function withOverrides(prices: PriceBook, overrides: z.infer<typeof PriceOverrides>): PriceBook {
  return PriceBook.parse({
    servers: { ...prices.servers, ...overrides.servers },
    operation: { ...prices.operation, ...overrides.operation },
    rents: { ...prices.rents, ...overrides.rents },
    tokens: { ...prices.tokens, ...overrides.tokens },
    outages: { ...prices.outages, ...overrides.outages },
  });
}
