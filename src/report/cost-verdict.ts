import type { BoughtCost } from "../plan/cost/bought.ts";
import type { CostAnswer, LocalCost } from "../plan/cost/cost.ts";
import { thousands } from "../plan/thousands.ts";
import { dollars, percent, span } from "./money.ts";

/** Which is cheaper, the cheapest of either side, said plainly; and how much traffic must stay in-house to pay. */
export function costVerdict({ local, bought, ask, millionOutputPerMonth }: CostAnswer): string[] {
  const ours = local.toSorted((a, b) => a.usdPerMillionOutput.low - b.usdPerMillionOutput.low)[0];
  const theirs = bought[0];
  if (ours === undefined) {
    return [`That cannot be said: no price of a server of 8 × ${ask.gpu} is known; give one with --prices FILE.`];
  }
  if (theirs === undefined) return ["That cannot be said: the price book has no price of tokens."];
  return [
    verdictSentence(ours, theirs, bought.at(-1) ?? theirs),
    shareSentence(ours, theirs, ask.utilisation, millionOutputPerMonth.high),
  ];
}

function verdictSentence(ours: LocalCost, theirs: BoughtCost, dearest: BoughtCost): string {
  const { low, high } = ours.usdPerMillionOutput;
  const price = theirs.usdPerMillionOutput;
  const sides = `${ours.name} ${span(ours.usdPerMillionOutput, dollars)}, ${theirs.name} ${dollars(price)}`;
  if (low > dearest.usdPerMillionOutput && dearest.name !== theirs.name) {
    const times = span({ low: low / dearest.usdPerMillionOutput, high: high / price }, factor);
    return `Buying tokens is cheaper with every price list, ${times} times: ${ours.name} ${span(ours.usdPerMillionOutput, dollars)}, bought ${dollars(price)} to ${dollars(dearest.usdPerMillionOutput)}. Run your own servers for what no price says, not to save money.`;
  }
  if (low > price) {
    return `Buying tokens is cheaper, ${span({ low: low / price, high: high / price }, factor)} times: ${sides}. Run your own servers for what no price says, not to save money.`;
  }
  if (high < price) return `Your own servers are cheaper at this load: ${sides}.`;
  return `Too close to call within the ranges: ${sides}. Measure the tokens a second first.`;
}

function shareSentence(ours: LocalCost, theirs: BoughtCost, utilisation: number, millionPerMonth: number): string {
  const needed = ours.breakEven[theirs.name]?.low ?? Number.POSITIVE_INFINITY;
  if (needed > 1) {
    return `Even full day and night they stay dearer than ${theirs.name}: no share of the traffic makes them pay; only traffic that must stay in-house does.`;
  }
  const share = needed / utilisation;
  const tokens = thousands(Number(((millionPerMonth / utilisation) * needed).toPrecision(3)));
  return share > 1
    ? `They pay from a mean load of ${percent(needed)} on, ${tokens} million output tokens a month that must stay in-house: ${factor(share)} times what you named.`
    : `They pay if at least ${percent(share)} of this traffic must stay in-house, ${tokens} million output tokens a month.`;
}

const factor = (value: number) => (value < 10 ? value.toFixed(1) : String(Math.round(value)));
