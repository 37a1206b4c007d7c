import { Command, InvalidArgumentError, Option } from "commander";
import { FAULT_CLASSES, type FaultClass } from "../../report/rehearsal.ts";
import { rehearsalSummary } from "../../report/timeline.ts";
import { EXIT, Exit } from "../exit.ts";
import { loadPlan } from "../load-plan.ts";
import { localStack } from "../local-stack.ts";
import { type OutputFormat, outputOption, printData } from "../output.ts";

interface Options {
  fault: FaultClass;
  streams: number;
  victim?: string;
  records?: string;
  output: OutputFormat;
}

const MAX_STREAMS = 500;

/** `tandem rehearse [SPEC]`: a server dies on this machine alone, and the streams go on. */
export function command(): Command {
  return new Command("rehearse")
    .description(
      "Play a failure through in a few seconds: the real gateway and agents as processes of this machine, the engines " +
        "emulated, a client that recomputes every token. Needs neither root nor Kubernetes nor GPUs.",
    )
    .argument("[spec]", "a spec with two groups; the local stack if left out")
    .addOption(new Option("--fault <class>", "what happens").choices(FAULT_CLASSES).default("server-power"))
    .option("--streams <number>", "answers that are being written when it happens", streamCount, 20)
    .option("--victim <server>", "the server it happens to; one of the serving group at random if left out")
    .option("--records <folder>", "where the record is written; TANDEM_HOME/records/STACK if left out")
    .addOption(outputOption())
    .addHelpText(
      "after",
      "\nExamples:\n  tandem rehearse\n  tandem rehearse stacks/local.yaml --fault gpu-xid\n  tandem rehearse prod.yaml --streams 100 --output json",
    )
    .action(async (spec: string | undefined, options: Options) => {
      // An image that is not there yet is not needed: engines are emulated.
      const { plan } = loadPlan(spec ?? localStack(), { allowPlaceholder: true });
      const [{ rehearse }, { paint }, { recordsDir }] = await Promise.all([
        import("../rehearsal/rehearse.ts"),
        import("../rehearsal/paint.ts"),
        import("../../drill/record/record-folder.ts"),
      ]);
      const text = options.output === "text";
      const records = options.records ?? recordsDir(plan.name);
      const print = (line: string) => text && console.log(paint(line));
      const report = await rehearse({ ...options, records, plan, print });
      if (text) console.log(paint(`\n${rehearsalSummary(report)}\nrecord: ${report.record}`));
      if (options.output !== "text") await printData(report, options.output);
      if (!report.passed) throw new Exit(EXIT.failed);
    });
}

function streamCount(raw: string): number {
  const count = Number(raw);
  if (!Number.isInteger(count) || count < 1 || count > MAX_STREAMS)
    throw new InvalidArgumentError(`want a whole number from 1 to ${MAX_STREAMS}`);
  return count;
}
