import { Command, InvalidArgumentError } from "commander";
import type { Thresholds } from "../drill/replay.ts";
import { type OutputFormat, outputOption } from "../output.ts";

/** `tandem replay FOLDER`: recorded evidence through today's deciders. */
export function command(): Command {
  return new Command("replay")
    .description(
      "Make the decisions of a recorded drill or failover again, with today's code and, if asked, other thresholds, and say which would be different.",
    )
    .argument("<folder>", "a record: `tandem drill report` lists them, and fetches those that only the cluster has")
    .option(
      "--set <name=number>",
      "another threshold of the gateway or the reconciler, e.g. silentAfterMs=900; may be given again",
      threshold,
      {},
    )
    .addOption(outputOption())
    .addHelpText(
      "after",
      "\nExamples:\n  tandem replay ~/.cache/tandem/records/local/2026-11-24T10-00-00Z-server-power\n  tandem replay RECORD --set silentAfterMs=900\n\nEnds with 0 when every decision is the same, 2 when one is not.",
    )
    .action(async (folder: string, { set, output }: { set: Thresholds; output: OutputFormat }) => {
      const { replayRecord } = await import("../drill/replay.ts");
      await replayRecord(folder, set, output);
    });
}

function threshold(text: string, before: Thresholds): Thresholds {
  const [name = "", raw = ""] = text.split("=", 2);
  const value = Number(raw);
  if (!/^\w+$/.test(name) || raw === "" || !(value >= 0))
    throw new InvalidArgumentError("want NAME=NUMBER, e.g. silentAfterMs=900");
  return { ...before, [name]: value };
}
