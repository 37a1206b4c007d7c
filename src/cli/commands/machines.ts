import { Command } from "commander";
import { TandemError } from "../../errors.ts";
import { engineDir, tandemHome } from "../../machines/home.ts";
import type { LocalMachine } from "../../machines/local/machine-record.ts";
import { type OutputFormat, outputOption, printData } from "../output.ts";

interface Options {
  output: OutputFormat;
  stack: string;
}

/** `tandem machines`: the local machines of a stack and the state of each. Starts nothing. */
export function command(): Command {
  return new Command("machines")
    .description("List the machines of a local stack: name, container, address, role, state.")
    .option("-s, --stack <name>", "the stack", "local")
    .addOption(outputOption())
    .addHelpText("after", "\nExamples:\n  tandem machines\n  tandem machines --stack local --output json")
    .action(async ({ output, stack }: Options) => {
      const machines = (await machinesOf(stack)).map(({ name, container, address, role, state }) => {
        return { name, container, address, role, state };
      });
      if (output !== "text") return printData(machines, output);
      if (machines.length === 0) process.stderr.write(`stack ${stack} has no machines on this computer\n`);
      else
        process.stdout.write(
          table([["NAME", "CONTAINER", "ADDRESS", "ROLE", "STATE"], ...machines.map(Object.values<string>)]),
        );
    });
}

async function machinesOf(stack: string): Promise<LocalMachine[]> {
  const { findEngine } = await import("../../machines/local/engine.ts");
  const { daemonWasStarted } = await import("../../machines/local/daemon.ts");
  const { listMachines } = await import("../../machines/local/machine.ts");
  const engine = await findEngine();
  if (engine) {
    try {
      return await listMachines(engine, stack);
    } finally {
      await engine.api.close();
    }
  }
  // A killed daemon hides machines that still run: an empty list would be a lie.
  if (!(await daemonWasStarted(engineDir()))) return [];
  throw new TandemError({
    code: "E_ENGINE_DOWN",
    what: "the machines cannot be listed",
    why: `the container daemon of ${tandemHome()} was killed; its machines may still run`,
    fix: "`tandem up` starts it again and finds them",
  });
}

function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]?.map((_cell, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0))) ?? [];
  return rows
    .map(
      (row) =>
        `${row
          .map((cell, at) => cell.padEnd(widths[at] ?? 0))
          .join("  ")
          .trimEnd()}\n`,
    )
    .join("");
}
