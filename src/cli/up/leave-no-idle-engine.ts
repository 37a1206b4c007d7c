import { busyStacks } from "../../infra/stack/other-stacks.ts";
import { endIdleEngine } from "../../machines/local/idle-engine.ts";
import type { ServingPlan } from "../../plan/serving-plan.ts";

/**
 * Runs a command that may start the private container daemon, which it needs long before there is a machine. Where the
 * command ends without any, by Ctrl-C or by a failure, the daemon ends as well. `work` takes the stack's lock itself: of
 * several commands that are interrupted together the last one finds no lock held.
 *
 * @throws what `work` throws; that the daemon could not be ended is only said
 */
export async function leaveNoIdleEngine<Result>(
  { spec }: ServingPlan,
  say: (line: string) => void,
  work: () => Promise<Result>,
): Promise<Result> {
  try {
    return await work();
  } finally {
    if (spec.provision.kind === "local") {
      const inUse = async () => (await busyStacks()).length > 0;
      await endIdleEngine({ inUse, onProgress: say }).catch((error: Error) =>
        say(`the private container daemon may still run: ${error.message}; \`tandem down\` ends it`),
      );
    }
  }
}
