import { Command, CommanderError } from "commander";
import { TandemError } from "../errors.ts";
import { commands } from "./commands.ts";
import { EXIT, Exit } from "./exit.ts";

// Only the module of the command that was asked for is loaded: `tandem plan` must not pay for Pulumi or Kubernetes.
async function main(argv: readonly string[]): Promise<number> {
  const program = new Command("tandem")
    .description("Serve the full DeepSeek on two 8×H100 servers, and keep serving when one dies.")
    .version("0.1.0")
    .exitOverride()
    .showHelpAfterError("(run with --help for examples)");
  const wanted = argv.find((word) => !word.startsWith("-"));
  for (const [name, { summary, load }] of Object.entries(commands)) {
    if (name === wanted) program.addCommand((await load()).command().summary(summary));
    else program.command(name).summary(summary);
  }
  try {
    await program.parseAsync(argv, { from: "user" });
    return EXIT.done;
  } catch (error) {
    if (error instanceof Exit) return error.exitCode;
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.refused;
    if (error instanceof TandemError) {
      const asJson = argv.some(
        (word, at) => word === "--output=json" || (word === "json" && /^(-o|--output)$/.test(argv[at - 1] ?? "")),
      );
      process.stderr.write(asJson ? `${JSON.stringify({ errors: [error] })}\n` : `tandem: ${error.message}\n`);
      return EXIT.refused;
    }
    process.stderr.write(
      `tandem: this is a bug: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
    );
    return EXIT.failed;
  }
}

// `tandem render … | head` closes the pipe early; what a command does besides printing must still come to its end.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
});
process.exitCode = await main(process.argv.slice(2));
