import type { Command } from "commander";
import { planSwitchover, type SwitchoverPlan, switchoverText } from "../../report/switchover.ts";
import { EXIT, Exit } from "../exit.ts";
import { printData } from "../output.ts";
import { withService } from "../service/access.ts";
import { type RequestOptions, refused, requestCommand, runRequest } from "../service/command.ts";
import { confirmed } from "../service/confirm.ts";
import { readService } from "../service/follow.ts";

interface Options extends RequestOptions {
  to?: string;
  dryRun?: boolean;
  yes?: boolean;
}

/** `tandem switchover`: a planned move of traffic, without an error for anybody. */
export function command(): Command {
  return requestCommand("switchover", 120)
    .description(
      "Move traffic to another group that is proved ready; answers that were begun are finished where they are. For a group that does not answer any more there is `tandem failover`.",
    )
    .option("--to <group>", "the group that takes over; the other one where there are two")
    .option("--dry-run", "print the steps with expected times, and per group why not; change nothing")
    .option("-y, --yes", "do not ask")
    .addHelpText(
      "after",
      "\nExamples:\n  tandem switchover --dry-run\n  tandem switchover\n  tandem switchover --to b --yes --stack prod\n\nEnds with 0 when it is done, 1 when it was refused and nothing was changed, 3 when it is not known yet.",
    )
    .action(run);
}

async function run(options: Options): Promise<void> {
  const { stack, to, output, dryRun = false, yes = false } = options;
  const service = await withService(options, (access) => readService(access));
  const plan = planSwitchover(service, to);
  if (dryRun) return showPlan(plan, output);
  if (to === plan.from) {
    process.stdout.write(`${plan.from} serves already, nothing to do\n`);
    return;
  }
  // What would be refused is refused before anybody is asked anything.
  assertPossible(plan, stack);
  const target = plan.to as string;
  if (!yes) {
    process.stderr.write(switchoverText(plan));
    const answer = await confirmed(`Move traffic of ${stack} from ${plan.from} to ${target}?`);
    if (answer === "no terminal")
      throw refused("nothing was moved", "there is no terminal to ask on", "run it again with --yes");
    if (!answer) throw refused("nothing was moved", "you said no", "run it again when you mean it");
  }
  await runRequest(options, {
    kind: "switchover",
    target,
    doneText: `${target} serves`,
    // Read again with the write: what was true when the person said yes may not be any more.
    check: (now) => assertPossible(planSwitchover(now, target), stack),
  });
}

async function showPlan(plan: SwitchoverPlan, output: Options["output"]): Promise<void> {
  if (output === "text")
    process.stdout.write(
      `${switchoverText(plan)}${plan.refused === null ? "\nnothing was changed; run it again without --dry-run\n" : ""}`,
    );
  else await printData(plan, output);
  if (plan.refused !== null) throw new Exit(EXIT.refused);
}

function assertPossible({ refused: no, from, to, candidates }: SwitchoverPlan, stack: string): void {
  if (no === null) return;
  const others = candidates.map(({ group, against }) => `${group}: ${against ?? "could take over"}`).join("; ");
  throw refused(
    `traffic of ${stack} stays on ${from}`,
    to === null || candidates.length < 2 ? no.why : `${no.why} (${others})`,
    no.fix,
  );
}
