import type { ModelOutput } from "./model-output.ts";

/** Figures of `tandem cost` that come from prices, by the name of their topic. */
export const COST_OUTPUTS: Readonly<Record<string, ModelOutput>> = {
  "server-hour": {
    figures: ["usdPerServerHour", "usdPerMonth"],
    sources: "prices",
    means: "dollars for one server and hour; a month is 730 hours of all servers",
    formula:
      "owned: purchase / (years · 8,760) + kilowatts · PUE · dollars a kWh + other; rented: the price list, for a server of 8 GPUs",
    inputs: "servers, operation and rents of the price book or of --prices",
    constants: [],
  },
  "cost-per-million": {
    figures: ["usdPerMillionOutput", "millionOutputPerMonth"],
    sources: "prices",
    means: "dollars for a million output tokens with the input that belongs to them, and how many there are in a month",
    formula:
      "servers · dollars an hour / (tokens/s of the fullest hour · utilisation · 0.0036); bought: output + (input / output) · (fresh input + cached input)",
    inputs: "price of a server, tokens-per-second with its range, --utilisation, lengths, --prefix-hit-rate",
    constants: [],
  },
  "break-even": {
    figures: ["breakEven"],
    sources: "prices",
    means: "mean load from which own servers are cheaper than bought tokens; above 1 they never are",
    formula: "servers · dollars an hour / (tokens/s of the fullest hour · 0.0036 · price of a million bought tokens)",
    inputs: "price of a server, tokens-per-second with its range, price of tokens",
    constants: [],
  },
  "standby-cost": {
    figures: ["standbyUsdPerMonth"],
    sources: "prices",
    means: "dollars a month for the servers that only stand by",
    formula: "further servers · dollars an hour of the cheapest way to have one · 730",
    inputs: "standby, servers of a group, price of a server",
    constants: [],
  },
  outage: {
    figures: ["faultsPerYear", "minutesPerYear"],
    sources: "faults",
    means: "faults a year that stop the serving group, and minutes without service that they cost",
    formula: "GPUs that serve · 365 / 2,111 GPU-days, times the minutes of one fault with this standby",
    inputs: "servers of a group, standby",
    constants: [],
  },
  "outage-hour": {
    figures: ["outageHourPays"],
    sources: "faults",
    means: "what an hour without service must cost for the standby to pay",
    formula: "standby-cost of a year / hours without service that it saves; low where repairs take days",
    inputs: "standby-cost, outage",
    constants: [],
  },
};
