import { Command, Option } from "commander";
import { sizeFor } from "../../plan/size/size.ts";
import { colourPaint, plainPaint } from "../../report/paint.ts";
import { sizeText } from "../../report/size.ts";
import { sizeData } from "../../report/size-data.ts";
import { GPU_KINDS, MODEL_PRESETS } from "../../spec/schema.ts";
import { count, positive, share } from "../numbers.ts";
import { type OutputFormat, outputOption, printData, wantsColour } from "../output.ts";

type Preset = (typeof MODEL_PRESETS)[number];
type Gpu = (typeof GPU_KINDS)[number];

interface Options {
  users: number;
  inputTokens: number;
  outputTokens: number;
  prefixHitRate: number;
  ttft?: number;
  tokensPerSecond?: number;
  survive: "nothing" | "server";
  model: Preset;
  gpu: Gpu | "any";
  network: "infiniband" | "roce" | "none";
  networkGbits: number;
  mtp: boolean;
  maxServers: number;
  output: OutputFormat;
}

/** `tandem size`: the smallest set of servers for a number of users, before there is a spec or a server. */
export function command(): Command {
  return new Command("size")
    .description("Say what servers a number of users needs, how much room is left, and what gives first.")
    .requiredOption("--users <n>", "users who wait for an answer at the same time", count)
    .requiredOption("--input-tokens <n>", "tokens of a question with all that goes before it", count)
    .requiredOption("--output-tokens <n>", "tokens of an answer, thoughts included", count)
    .option("--prefix-hit-rate <share>", "share of the input that was sent before, 0 to 1", share, 0)
    .option("--ttft <seconds>", "first token within", positive)
    .option("--tokens-per-second <n>", "for each user, at least", positive)
    .addOption(
      new Option("--survive <what>", "what must not end the service").choices(["nothing", "server"]).default("nothing"),
    )
    .addOption(new Option("--model <preset>", "what to serve").choices(MODEL_PRESETS).default("deepseek-r1-0528"))
    .addOption(new Option("--gpu <kind>", "servers of this kind only").choices(["any", ...GPU_KINDS]).default("any"))
    .addOption(
      new Option("--network <kind>", "between servers").choices(["infiniband", "roce", "none"]).default("infiniband"),
    )
    .option("--network-gbits <n>", "of one port; with RDMA each GPU has one", positive, 400)
    .option("--mtp", "speculative decoding with the model's own draft layer", false)
    .option("--max-servers <n>", "look no further", count, 8)
    .addOption(outputOption())
    .addHelpText(
      "after",
      "\nExamples:\n  tandem size --users 40 --input-tokens 2000 --output-tokens 500 --ttft 2 --tokens-per-second 20 --survive server",
    )
    .action(async ({ output, ...options }: Options) => {
      const answer = sizeFor({
        users: options.users,
        inputTokens: options.inputTokens,
        outputTokens: options.outputTokens,
        prefixHitRate: options.prefixHitRate,
        ttftSeconds: options.ttft,
        tokensPerSecond: options.tokensPerSecond,
        survive: options.survive,
        model: options.model,
        gpus: options.gpu === "any" ? GPU_KINDS : [options.gpu],
        fabric: { kind: options.network, gbPerSecond: options.networkGbits / 8 },
        speculative: options.mtp,
        maxServers: options.maxServers,
      });
      if (output !== "text") return printData(sizeData(answer), output);
      process.stdout.write(sizeText(answer, wantsColour(process.stdout) ? colourPaint : plainPaint));
    });
}
