import { Command, Option } from "commander";
import { TandemError } from "../../errors.ts";
import { costFor } from "../../plan/cost/cost.ts";
import { STANDBYS } from "../../plan/cost/outage.ts";
import { PRICES } from "../../plan/cost/prices.ts";
import type { Standby } from "../../plan/size/ask.ts";
import { costText } from "../../report/cost.ts";
import { colourPaint, plainPaint } from "../../report/paint.ts";
import { GPU_KINDS, MODEL_PRESETS } from "../../spec/schema.ts";
import { loadPrices } from "../load-prices.ts";
import { count, positive, share } from "../numbers.ts";
import { type OutputFormat, outputOption, printData, wantsColour } from "../output.ts";

interface Options {
  gpu: (typeof GPU_KINDS)[number];
  serversPerGroup?: number;
  standby: Standby;
  utilisation: number;
  inputTokens: number;
  outputTokens: number;
  prefixHitRate: number;
  ttft: number;
  tokensPerSecond: number;
  model: (typeof MODEL_PRESETS)[number];
  network: "infiniband" | "roce" | "none";
  networkGbits: number;
  mtp: boolean;
  prices?: string;
  output: OutputFormat;
}

/** `tandem cost`: what a million tokens cost on one's own servers, and whether to buy them instead. */
export function command(): Command {
  return new Command("cost")
    .description("Compare owned servers, rented servers and bought tokens, and say what a standby is worth.")
    .requiredOption("--input-tokens <n>", "tokens of a question with all that goes before it", count)
    .requiredOption("--output-tokens <n>", "tokens of an answer, thoughts included", count)
    .addOption(new Option("--gpu <kind>", "servers of this kind").choices(GPU_KINDS).default("H100-80"))
    .option("--servers-per-group <n>", "instead of the fewest that hold the model", count)
    .addOption(new Option("--standby <mode>", "how a server's death is outlived").choices(STANDBYS).default("hot"))
    .option("--utilisation <share>", "mean load over the year, 0 to 1; office hours alone are 0.24", share, 0.2)
    .option("--prefix-hit-rate <share>", "share of the input that was sent before, 0 to 1", share, 0)
    .option("--ttft <seconds>", "first token within, at the fullest hour", positive, 5)
    .option("--tokens-per-second <n>", "for each user, at the fullest hour", positive, 15)
    .addOption(new Option("--model <preset>", "what to serve").choices(MODEL_PRESETS).default("deepseek-r1-0528"))
    .addOption(
      new Option("--network <kind>", "between servers").choices(["infiniband", "roce", "none"]).default("infiniband"),
    )
    .option("--network-gbits <n>", "of one port; with RDMA each GPU has one", positive, 400)
    .option("--mtp", "speculative decoding with the model's own draft layer", false)
    .option("--prices <file>", "YAML with prices that you know better")
    .addOption(outputOption())
    .addHelpText(
      "after",
      "\nExamples:\n  tandem cost --input-tokens 2000 --output-tokens 500\n  tandem cost --input-tokens 2000 --output-tokens 500 --utilisation 0.5 --prices ours.yaml",
    )
    .action(async ({ output, prices, ttft, networkGbits, network, mtp, ...options }: Options) => {
      if (options.utilisation === 0) throw idle();
      const book = prices === undefined ? PRICES : await loadPrices(prices);
      const ask = {
        ...options,
        serversPerGroup: options.serversPerGroup,
        ttftSeconds: ttft,
        fabric: { kind: network, gbPerSecond: networkGbits / 8 },
        speculative: mtp,
      };
      const answer = costFor(ask, book);
      if (answer === undefined) throw nothingRuns(options);
      if (output !== "text") return printData(answer, output);
      process.stdout.write(costText(answer, wantsColour(process.stdout) ? colourPaint : plainPaint));
    });
}

function idle(): TandemError {
  return new TandemError({
    code: "E_COST_IDLE",
    what: "--utilisation is 0",
    why: "servers that serve nothing have no price for a token",
    fix: "give the mean load over the year, e.g. --utilisation 0.2",
  });
}

function nothingRuns({ gpu, model, serversPerGroup }: Pick<Options, "gpu" | "model" | "serversPerGroup">): TandemError {
  const group = serversPerGroup === undefined ? "any group of 1, 2 or 4 servers" : `a group of ${serversPerGroup}`;
  return new TandemError({
    code: "E_COST_NO_LAYOUT",
    what: `no layout of ${model} on ${group} of 8 × ${gpu} gives one user what is asked`,
    why: "it does not fit the memory, or one answer alone is slower than --ttft or --tokens-per-second",
    fix: "ask `tandem size` with the same numbers: it says what comes nearest and what stands in the way",
  });
}
