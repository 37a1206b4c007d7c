import type { Command } from "commander";
import type { ModelService } from "../../manifests/model-service/resource.ts";
import { type RequestOptions, refused, requestCommand, runRequest } from "../service/command.ts";

interface Options extends RequestOptions {
  to?: string;
  rebuild?: string;
}

/** `tandem failover`: what the automation did not dare, or was told not to do, by a person's order. */
export function command(): Command {
  return requestCommand("failover", 300)
    .description(
      "Move traffic away from a group that does not answer (--to), or take a broken group apart and put it together again (--rebuild). For a group that still serves there is `tandem switchover`.",
    )
    .option("--to <group>", "the group that takes over; it has to be named")
    .option("--rebuild <group>", "the group that is isolated, stopped and started again")
    .addHelpText(
      "after",
      "\nExamples:\n  tandem failover --to b\n  tandem failover --rebuild a --stack prod\n\nEnds with 0 when it is done, 1 when it was refused and nothing was changed, 3 when it is not known yet.",
    )
    .action(run);
}

async function run(options: Options): Promise<void> {
  const { to, rebuild, stack } = options;
  if ((to === undefined) === (rebuild === undefined))
    throw refused(
      "nothing was done",
      to === undefined ? "no group was named" : "--to and --rebuild are two orders",
      "give one of them: tandem failover --to GROUP, or tandem failover --rebuild GROUP",
    );
  if (to !== undefined) {
    await runRequest(options, {
      kind: "failover",
      target: to,
      doneText: `${to} serves`,
      check: (service) => checkMove(service, to, stack),
    });
    return;
  }
  const group = rebuild as string;
  await runRequest(options, {
    kind: "rebuild",
    target: group,
    doneText: `${group} is put together again`,
    check: (service) => checkRebuild(service, group, stack),
  });
}

function checkMove(service: ModelService, to: string, stack: string): void {
  const { status } = service;
  assertGroup(service, to, stack);
  if (status?.active === to) throw refused(`traffic of ${stack} stays`, `${to} serves already`, "see `tandem status`");
  const target = status?.groups.find(({ id }) => id === to);
  if (target !== undefined && target.run !== "serving")
    throw refused(
      `traffic of ${stack} stays`,
      `group ${to} is ${target.run} since ${target.since}`,
      "wait until it serves; see `tandem status`",
    );
  const active = status?.groups.find(({ role }) => role === "active");
  if (active?.run === "serving" && (active.verdict === "healthy" || active.verdict === "watch"))
    throw refused(
      `traffic of ${stack} stays on ${active.id}`,
      `it serves and nothing is against it (${active.reason})`,
      `for a planned move, which breaks no answer: tandem switchover --to ${to}`,
    );
}

/** Never the last group that serves: a person who wants that stops it with kubectl, knowing what it is. */
function checkRebuild(service: ModelService, group: string, stack: string): void {
  const { status, spec } = service;
  assertGroup(service, group, stack);
  if (spec.pause !== undefined)
    throw refused(
      `group ${group} of ${stack} stays as it is`,
      `${spec.pause.by} paused the automation, so that nothing would start it again`,
      `first: tandem resume --stack ${stack}`,
    );
  const others = (status?.groups ?? []).filter(
    ({ id, run, verdict }) => id !== group && run === "serving" && verdict !== "suspect",
  );
  if (status?.active === group && others.length === 0) return;
  if (status?.active === group)
    throw refused(
      `group ${group} of ${stack} stays as it is`,
      "traffic goes to it",
      `first: tandem switchover --to ${others[0]?.id}`,
    );
}

function assertGroup({ spec }: ModelService, group: string, stack: string): void {
  const names = spec.groups.map(({ id }) => id);
  if (!names.includes(group))
    throw refused(`nothing was done to ${stack}`, `there is no group ${group}`, `name one of ${names.join(", ")}`);
}
