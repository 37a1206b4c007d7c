import { costByUtilisation } from "../plan/cost/by-utilisation.ts";
import { PRICES } from "../plan/cost/prices.ts";
import { layoutCurves, USUAL_QUESTION } from "../plan/performance/curves.ts";
import type { ServingPlan } from "../plan/serving-plan.ts";
import { GPUS_PER_SERVER } from "../plan/size/ask.ts";
import { planPage } from "../report/html/plan-page.ts";
import { loadPrices } from "./load-prices.ts";
import { writeFile } from "./write-file.ts";

export interface WritePlanPage {
  plan: ServingPlan;
  warnings: readonly string[];
  file: string;
  /** A file with prices that replace those of the book. */
  prices: string | undefined;
  overwrite: boolean;
}

/** Writes a plan as one page. Throws E_FILE_EXISTS, E_FILE_WRITE or E_COST_PRICES, and then has written nothing. */
export async function writePlanPage({ plan, warnings, file, prices, overwrite }: WritePlanPage): Promise<void> {
  const book = prices === undefined ? PRICES : await loadPrices(prices);
  const question = USUAL_QUESTION;
  const curves = layoutCurves(plan, question);
  const [chosen] = curves;
  const servers = Object.values(plan.spec.groups).flat().length + plan.spec.spares.length;
  const gpu = Object.values(plan.spec.servers)[0]?.gpu;
  // Prices are those of whole servers.
  const isPriced = chosen !== undefined && gpu !== undefined && plan.gpusPerServer === GPUS_PER_SERVER;
  const cost = isPriced ? costByUtilisation(chosen, { servers, gpu, question, book }) : undefined;
  writeFile(file, planPage({ plan, warnings, curves, cost, question }), { overwrite });
}
