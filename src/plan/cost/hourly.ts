import type { GpuKind } from "../catalogue.ts";
import type { Range } from "../performance/range.ts";
import type { PriceBook } from "./prices.ts";

const HOURS_PER_YEAR = 8760;

/** A way to have servers, with what one of them costs an hour. */
export interface ServerPrice {
  name: string;
  usdPerServerHour: Range;
  date: string;
  source: string;
}

/** Owned first where a price is known, then every rent of that kind, cheapest first. */
export function serverPrices(book: PriceBook, gpu: GpuKind): ServerPrice[] {
  const owned = ownedPrice(book, gpu);
  const rents = Object.entries(book.rents)
    .filter(([, rent]) => rent.gpu === gpu)
    .map(([name, { usdPerServerHour: low, highUsdPerServerHour: high = low, date, source }]) => ({
      name: `rented, ${name}`,
      usdPerServerHour: { low, high },
      date,
      source,
    }))
    .sort((a, b) => a.usdPerServerHour.low - b.usdPerServerHour.low);
  return owned === undefined ? rents : [owned, ...rents];
}

/** Depreciation, power with cooling, and the rest: colocation, staff, spare parts. */
function ownedPrice({ servers, operation: o }: PriceBook, gpu: GpuKind): ServerPrice | undefined {
  const server = servers[gpu];
  if (server === undefined) return undefined;
  const hours = o.depreciationYears * HOURS_PER_YEAR;
  const power = server.kilowatts * o.powerUsageEffectiveness * o.usdPerKilowattHour;
  return {
    name: "owned",
    usdPerServerHour: {
      low: server.lowUsd / hours + power + o.lowOtherUsdPerHour,
      high: server.highUsd / hours + power + o.highOtherUsdPerHour,
    },
    date: server.date,
    source: `${server.source}; ${o.source}`,
  };
}
