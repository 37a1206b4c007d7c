import { readFileSync } from "node:fs";
import { parse } from "yaml";
import { z } from "zod";
import { TandemError } from "../errors.ts";
import { PRICES, type PriceBook, PriceOverrides, withOverrides } from "../plan/cost/prices.ts";

/** The price book with what a YAML file says instead. */
export async function loadPrices(path: string): Promise<PriceBook> {
  let raw: unknown;
  try {
    raw = parse(readFileSync(path, "utf8"));
  } catch (cause) {
    throw refusal(path, cause instanceof Error ? (cause.message.split("\n")[0] ?? "") : String(cause), cause);
  }
  const checked = PriceOverrides.safeParse(raw ?? {});
  if (checked.success) return withOverrides(PRICES, checked.data);
  throw refusal(path, z.prettifyError(checked.error).replaceAll("\n", " "), checked.error);
}

function refusal(path: string, why: string, cause: unknown): TandemError {
  return new TandemError({
    code: "E_COST_PRICES",
    what: `cannot use the prices of ${path}`,
    why,
    fix: "it has entries like those of src/plan/data/prices.json: servers, rents and tokens by name, each with date and source, and fields of operation",
    cause,
  });
}
