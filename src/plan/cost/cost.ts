import type { GpuKind } from "../catalogue.ts";
import { type Range, rangeOf } from "../performance/range.ts";
import type { SizeAsk, Standby } from "../size/ask.ts";
import { serversOf } from "../size/candidates.ts";
import { engineOptions } from "../size/engines.ts";
import { fitOf } from "../size/fit.ts";
import { type BoughtCost, boughtCosts } from "./bought.ts";
import { type ServerPrice, serverPrices } from "./hourly.ts";
import { type OutageRow, outages } from "./outage.ts";
import type { PriceBook } from "./prices.ts";

export interface CostAsk extends Omit<SizeAsk, "users" | "survive" | "gpus" | "maxServers"> {
  gpu: GpuKind;
  /** Undefined: the smallest group that holds the model. */
  serversPerGroup: number | undefined;
  standby: Standby;
  /** Mean load over the year as a share of what the group can carry, 0 to 1. */
  utilisation: number;
}

/** A way to have servers, for one million output tokens with the input that belongs to them. */
export interface LocalCost extends ServerPrice {
  usdPerMonth: Range;
  usdPerMillionOutput: Range;
  /** Per bought price: the utilisation from which this is cheaper; above 1 it never is. */
  breakEven: Record<string, Range>;
}

export interface CostAnswer {
  ask: CostAsk;
  layout: string;
  serversPerGroup: number;
  servers: number;
  /** Users of the fullest hour, and what they get through in a second. */
  usersAtPeak: number;
  outputTokensPerSecondAtPeak: Range;
  millionOutputPerMonth: Range;
  local: LocalCost[];
  bought: BoughtCost[];
  outages: OutageRow[];
  /** Dollars a month that a standby costs beyond none, at the cheapest way to have servers; absent where no price is known. */
  standbyUsdPerMonth: Partial<Record<Standby, Range>>;
  /** What an hour without service must cost for the standby to pay; absent where it saves nothing. */
  outageHourPays: Partial<Record<Standby, Range>>;
}

const HOURS_PER_MONTH = 730;
const SECONDS_PER_HOUR = 3600;
const MONTHS_PER_YEAR = 12;
const GROUP_SIZES = [1, 2, 4];

/** Owned, rented and bought side by side; undefined where no layout of the model runs or meets the ask. */
export function costFor(ask: CostAsk, book: PriceBook): CostAnswer | undefined {
  const sizes = ask.serversPerGroup === undefined ? GROUP_SIZES : [ask.serversPerGroup];
  const peak = sizes.flatMap((size) => peakOf(ask, size) ?? [])[0];
  if (peak === undefined) return undefined;
  const { serversPerGroup, users, tokensPerSecond, layout } = peak;
  const servers = serversOf(serversPerGroup, 1, ask.standby);
  const perHour = scale(tokensPerSecond, (SECONDS_PER_HOUR / 1e6) * ask.utilisation);
  const bought = boughtCosts(ask, book);
  const local = serverPrices(book, ask.gpu).map((price): LocalCost => {
    const hourly = scale(price.usdPerServerHour, servers);
    const full = scale(tokensPerSecond, SECONDS_PER_HOUR / 1e6);
    return {
      ...price,
      usdPerMonth: scale(hourly, HOURS_PER_MONTH),
      usdPerMillionOutput: divide(hourly, perHour),
      breakEven: Object.fromEntries(
        bought.map(({ name, usdPerMillionOutput }) => [name, divide(hourly, scale(full, usdPerMillionOutput))]),
      ),
    };
  });
  const rows = outages(book, serversPerGroup);
  return {
    ask,
    layout,
    serversPerGroup,
    servers,
    usersAtPeak: users,
    outputTokensPerSecondAtPeak: tokensPerSecond,
    millionOutputPerMonth: scale(perHour, HOURS_PER_MONTH),
    local,
    bought,
    outages: rows,
    ...standbyCosts(serversPerGroup, local, rows),
  };
}

/** The most that one group carries within the ask, by the layout that carries most. */
function peakOf(ask: CostAsk, serversPerGroup: number) {
  const sizeAsk: SizeAsk = { ...ask, users: 1, survive: "nothing", gpus: [ask.gpu], maxServers: serversPerGroup };
  const carried = engineOptions(sizeAsk, ask.gpu, serversPerGroup, ask.model).flatMap((option) => {
    const { mostUsers, verdict } = fitOf(sizeAsk, option, 1);
    if (verdict === "no" || mostUsers === 0) return [];
    const { estimate } = fitOf(sizeAsk, option, mostUsers);
    const tokensPerSecond = rangeOf(estimate.outputTokensPerSecond);
    return [{ serversPerGroup, users: mostUsers, tokensPerSecond, layout: option.judged.layout.name }];
  });
  return carried.sort((a, b) => b.tokensPerSecond.high - a.tokensPerSecond.high)[0];
}

function standbyCosts(serversPerGroup: number, local: readonly LocalCost[], rows: readonly OutageRow[]) {
  const cheapest = local.map(({ usdPerServerHour }) => usdPerServerHour).sort((a, b) => a.low - b.low)[0];
  // A price that nobody knows is no price of nothing.
  if (cheapest === undefined) return { standbyUsdPerMonth: {}, outageHourPays: {} };
  const monthly = scale(cheapest, HOURS_PER_MONTH);
  const extra = (standby: Standby) => serversOf(serversPerGroup, 1, standby) - serversPerGroup;
  const usdPerMonth = (standby: Standby) => scale(monthly, extra(standby));
  const standbyUsdPerMonth = Object.fromEntries(rows.map(({ standby }) => [standby, usdPerMonth(standby)]));
  const none = rows.find(({ standby }) => standby === "none")?.minutesPerYear ?? { low: 0, high: 0 };
  const outageHourPays: Partial<Record<Standby, Range>> = {};
  for (const { standby, minutesPerYear } of rows) {
    const saved = { low: (none.low - minutesPerYear.high) / 60, high: (none.high - minutesPerYear.low) / 60 };
    if (extra(standby) === 0 || saved.low <= 0) continue;
    outageHourPays[standby] = divide(scale(usdPerMonth(standby), MONTHS_PER_YEAR), saved);
  }
  return { standbyUsdPerMonth, outageHourPays };
}

const scale = ({ low, high }: Range, by: number): Range => ({ low: low * by, high: high * by });
/** The cheapest case has most tokens, the dearest has fewest. */
const divide = (a: Range, b: Range): Range => ({ low: a.low / b.high, high: a.high / b.low });
