import { Command } from "commander";
import { TandemError } from "../../errors.ts";
import type { ToolName } from "../../machines/tools/catalogue.ts";
import type { ToolListing } from "../../machines/tools/list-tools.ts";
import type { ResolvedTool } from "../../machines/tools/resolve.ts";
import { EXIT, Exit } from "../exit.ts";
import { interrupted } from "../interrupted.ts";
import { megabytes } from "../megabytes.ts";
import { type OutputFormat, outputOption, printData } from "../output.ts";

/** `tandem tools`: where each outside program comes from; `tandem tools install`: gets those that are missing. */
export function command(): Command {
  const list = new Command("tools")
    .description("List the outside programs: version, where each came from, size, and which ways to get it are closed.")
    .addOption(outputOption())
    .addHelpText("after", "\nExamples:\n  tandem tools\n  tandem tools --output json\n  tandem tools install")
    .action(async ({ output }: { output: OutputFormat }) => {
      const { listTools } = await import("../../machines/tools/list-tools.ts");
      const { listPackagedTools } = await import("../../machines/tools/packaged-tools.ts");
      const tools = (await Promise.all([listTools(), listPackagedTools()])).flat();
      if (output === "text") process.stdout.write(describe(tools));
      else await printData({ tools }, output);
    });
  list.addCommand(
    new Command("install")
      .description(
        "Get what is missing: download where a checksum is known, else build. Run again, it goes on where it was.",
      )
      .argument("[name...]", "tools to get; without one, all")
      .addOption(outputOption())
      .addHelpText(
        "after",
        "\nGo's caches are removed when all is built; TANDEM_KEEP_GO_CACHE=1 uses and keeps those of your own Go.\n\nExamples:\n  tandem tools install\n  tandem tools install kubernetes etcd",
      )
      .action((names: string[], _own: unknown, self: Command) =>
        install(names, self.optsWithGlobals<{ output: OutputFormat }>()),
      ),
  );
  return list;
}

async function install(names: readonly string[], { output }: { output: OutputFormat }): Promise<void> {
  const { toolNames } = await import("../../machines/tools/catalogue.ts");
  const { resolveTools } = await import("../../machines/tools/resolve.ts");
  const { showToolProgress } = await import("../tool-progress.ts");
  const wanted =
    names.length === 0 ? toolNames.filter((name) => name !== "go") : names.map((name) => checked(name, toolNames));
  const signal = interrupted();
  const view = showToolProgress();
  let begun = false;
  try {
    const tools = await resolveTools(wanted, {
      signal,
      onProgress: (event) => {
        begun = true;
        view.onProgress(event);
      },
    });
    view.end();
    if (output === "text") process.stdout.write(Object.values<ResolvedTool>(tools).map(installedLine).join(""));
    else await printData({ tools: Object.values(tools) }, output);
  } catch (error) {
    view.end();
    if (signal.aborted) {
      process.stderr.write("tandem: interrupted; what is built is kept, and the same command goes on with the rest\n");
      throw new Exit(EXIT.failed);
    }
    if (!begun || !(error instanceof TandemError)) throw error;
    process.stderr.write(output === "json" ? `${JSON.stringify({ errors: [error] })}\n` : `tandem: ${error.message}\n`);
    throw new Exit(EXIT.failed);
  } finally {
    view.end();
  }
}

function checked(name: string, known: readonly ToolName[]): ToolName {
  const found = known.find((tool) => tool === name);
  if (found) return found;
  throw new TandemError({
    code: "E_NO_SUCH_TOOL",
    what: `there is no tool ${JSON.stringify(name)}`,
    why: `known are ${known.join(", ")}`,
    fix: "see `tandem tools`",
  });
}

function installedLine({ name, version, source, path }: ResolvedTool): string {
  return `${name} ${version}  ${source}  ${path}\n`;
}

function describe(tools: readonly ToolListing[]): string {
  const rows = [
    ["NAME", "VERSION", "SOURCE", "SIZE", "PATH"],
    ...tools.map(({ name, version, source, bytes, path }) => [
      name,
      version,
      source,
      bytes === undefined ? "-" : megabytes(bytes),
      path ?? "-",
    ]),
  ];
  const widths = rows[0]?.map((_cell, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0))) ?? [];
  const table = rows.map((row) =>
    row
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join("  ")
      .trimEnd(),
  );
  const closed = tools.flatMap(({ name, ways }) =>
    ways.filter(({ state }) => state === "off").map(({ way, why }) => `  ${name}: no ${way}: ${why}`),
  );
  const missing = tools.some(({ source }) => source === "missing")
    ? ["", "`tandem tools install` gets what is missing."]
    : [];
  return `${[...table, ...missing, "", "Ways that are closed:", ...closed].join("\n")}\n`;
}
