import { Command, InvalidArgumentError } from "commander";
import type { ChooseTiming } from "../../failover/choose/timing.ts";
import { type OutputFormat, outputOption } from "../output.ts";

/** `tandem replay FOLDER`: recorded evidence through today's deciders. */
export function command(): Command {
  return new Command("replay")
    .description(
      "Make the decisions of a recorded drill or failover again, with today's code and, if asked, other thresholds, and say which would be different.",
    )
    .argument("<folder>", "a record, as `tandem drill run` and `tandem rehearse` write them")
    .option("--set <name=ms>", "a threshold in milliseconds, e.g. silentAfterMs=900; may be given again", threshold, {})
    .addOption(outputOption())
    .addHelpText(
      "after",
      "\nExamples:\n  tandem replay ~/.cache/tandem/records/local/2026-11-24T10-00-00Z-server-power\n  tandem replay RECORD --set silentAfterMs=900\n\nEnds with 0 when every decision is the same, 2 when one is not.",
    )
    .action(async (folder: string, { set, output }: { set: Partial<ChooseTiming>; output: OutputFormat }) => {
      const { replayRecord } = await import("../drill/replay.ts");
      await replayRecord(folder, set, output);
    });
}

function threshold(text: string, before: Partial<ChooseTiming>): Partial<ChooseTiming> {
  const [name = "", raw = ""] = text.split("=", 2);
  const value = Number(raw);
  if (!/^\w+Ms$/.test(name) || raw === "" || !(value >= 0)) throw new InvalidArgumentError("want NAME=MILLISECONDS");
  return { ...before, [name]: value };
}
