import { Command } from "commander";
import type { RunDrillOptions } from "../drill/play.ts";
import type { ReportOptions } from "../drill/report.ts";
import { count } from "../numbers.ts";
import { type OutputFormat, outputOption } from "../output.ts";

const STREAMS = 20;

/** `tandem drill`: faults on purpose, measured and scored. */
export function command(): Command {
  const drill = new Command("drill").description(
    "Let something fail on purpose, in the middle of answers that a client checks token by token, and score what happened: as a rehearsal of processes on this machine, or on a cluster.",
  );
  drill.addCommand(list()).addCommand(run()).addCommand(report()).addCommand(schedule());
  return drill;
}

function list(): Command {
  return new Command("list")
    .description("every drill: where it runs, and what it does; with --stack those that were run, and failovers")
    .option("-s, --stack <name>", "what the cluster of this stack has on record")
    .addOption(outputOption())
    .action(async ({ stack, output }: { stack?: string; output: OutputFormat }) => {
      const { listDrills, listRecords } = await import("../drill/list.ts");
      await (stack === undefined ? listDrills(output) : listRecords(stack, output));
    });
}

function run(): Command {
  return new Command("run")
    .description("run one drill, or all of them one after the other")
    .argument("<scenario>", "a name of `tandem drill list`, or all")
    .option("-s, --stack <name>", "on the cluster of this stack; a rehearsal on this machine if left out")
    .option("--spec <file>", "what is rehearsed; the local stack if left out")
    .option("--streams <number>", "answers that are being written when it happens", count, STREAMS)
    .option("--victim <name>", "the server or gateway it happens to; drawn at random if left out")
    .option("--over-ssh", "cause faults on local machines in the way of real servers", false)
    .option("--destructive", "allow what takes a server of a cluster out of service", false)
    .option("-y, --yes", "do not ask", false)
    .option("--show", "show one of the answers as it is written", false)
    .option("--junit <file>", "write the verdicts for a CI as well")
    .option("--records <folder>", "where the record is written; TANDEM_HOME/records/STACK if left out")
    .addOption(outputOption())
    .addHelpText(
      "after",
      "\nExamples:\n  tandem drill run server-power\n  tandem drill run all --junit drills.xml\n  tandem drill run server-power --stack local --destructive\n  tandem drill run gpu-xid --stack prod --victim gpu-b --destructive\n\nEnds with 0 when all passed, 1 when it was refused and nothing was done, 2 when one failed.",
    )
    .action(async (scenario: string, options: RunDrillOptions) => {
      const { runDrills } = await import("../drill/run.ts");
      await runDrills(scenario, options);
    });
}

function report(): Command {
  return new Command("report")
    .description("past drills as a table, and one of them as a page")
    .argument("[record]", "a folder, or a name of `tandem drill list --stack`; all of the stack if left out")
    .option("-s, --stack <name>", "whose records", "local")
    .option("--html <file>", "where the page is written; beside the record if left out")
    .addOption(outputOption())
    .action(async (folder: string | undefined, options: ReportOptions) => {
      const { reportDrills } = await import("../drill/report.ts");
      await reportDrills(folder, options);
    });
}

function schedule(): Command {
  return new Command("schedule")
    .description("which drills are due, and how to have them run every week")
    .option("-s, --stack <name>", "whose drills", "local")
    .option("--every <days>", "days after which a drill is due again", count, 7)
    .addOption(outputOption())
    .addHelpText("after", "\nEnds with 0 when none is due and 2 when one is: a line of cron can ask.")
    .action(async (options: { stack: string; every: number; output: OutputFormat }) => {
      const { showSchedule } = await import("../drill/schedule.ts");
      await showSchedule(options);
    });
}
