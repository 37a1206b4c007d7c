import type { Range } from "../plan/performance/range.ts";
import { thousands } from "../plan/thousands.ts";

/** Dollars with as many digits as a price from a range deserves: three. */
export function dollars(value: number): string {
  const rounded = Number(value.toPrecision(3));
  return `$${value < 100 ? rounded.toFixed(2) : thousands(rounded)}`;
}

export function percent(share: number): string {
  const value = share * 100;
  return `${value < 10 ? Number(value.toPrecision(2)) : Math.round(value)} %`;
}

/** `a to b`, or one of them where they read the same. */
export function span({ low, high }: Range, show: (value: number) => string): string {
  const [from, to] = [show(low), show(high)];
  return from === to ? from : `${from} to ${to}`;
}
