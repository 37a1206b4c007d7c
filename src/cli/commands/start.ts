import { fileURLToPath } from "node:url";
import { Command } from "commander";
import { EXIT, Exit } from "../exit.ts";

interface Options {
  once?: boolean;
  yes?: boolean;
}

/** The stack that comes with the package. */
const LOCAL_STACK = fileURLToPath(new URL("../../../stacks/local.yaml", import.meta.url));

/** `tandem start`: from nothing to a local cluster that answers, and loses a server without losing a token. */
export function command(): Command {
  return new Command("start")
    .description(
      "Set up what is needed, stand up the local cluster with `pulumi up`, answer a prompt, and show a failover. " +
        "Where no cluster can run it says why, and shows the rehearsal.",
    )
    .option("--once", "take everything down at the end")
    .option("-y, --yes", "do not ask before the first start")
    .addHelpText("after", "\nExamples:\n  npm start\n  npm start -- --once")
    .action(async ({ once = false, yes = false }: Options) => {
      const { start } = await import("../start/start.ts");
      const done = await start({ file: LOCAL_STACK, once, yes });
      if (!done) throw new Exit(EXIT.failed);
    });
}
