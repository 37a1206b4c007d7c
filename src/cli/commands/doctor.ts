import { Command } from "commander";
import { TandemError } from "../../errors.ts";
import type { Finding } from "../../machines/server/judge-server.ts";
import type { PreflightReport } from "../../machines/server/preflight.ts";
import { EXIT, Exit } from "../exit.ts";
import { type OutputFormat, outputOption, printData } from "../output.ts";

interface Options {
  output: OutputFormat;
  gpus: string;
}

/** A server's report; one that cannot be reached has a finding and no facts. */
type Report = Omit<PreflightReport, "facts"> & { facts?: PreflightReport["facts"] };

/** `tandem doctor [SPEC]`: what is in the way on the servers of a spec, or on this machine. Changes nothing. */
export function command(): Command {
  return new Command("doctor")
    .description(
      "Look at the servers of a spec, or at this machine, and say everything that is in the way. Changes nothing.",
    )
    .argument("[spec]", "a spec whose servers to look at; without one, this machine")
    .option("--gpus <count>", "without a spec: the GPUs that this machine should have", "8")
    .addOption(outputOption())
    .addHelpText("after", "\nExamples:\n  tandem doctor stacks/prod.yaml\n  tandem doctor --gpus 0 --output json")
    .action(async (file: string | undefined, { output, gpus }: Options) => {
      const reports = file === undefined ? [await lookHere(Number(gpus))] : await lookAtSpec(file);
      if (output === "text") process.stdout.write(describe(reports));
      else await printData({ fit: !hasErrors(reports), servers: reports }, output);
      if (hasErrors(reports)) throw new Exit(EXIT.refused);
    });
}

async function lookHere(gpus: number): Promise<Report> {
  const { here } = await import("../../machines/server/here.ts");
  const { preflight } = await import("../../machines/server/preflight.ts");
  const { networkInterfaces } = await import("node:os");
  const addresses = Object.values(networkInterfaces()).flat();
  const address = addresses.find((one) => one?.family === "IPv4" && !one.internal)?.address ?? "127.0.0.1";
  return preflight(here(), { role: gpus > 0 ? "gpu" : "control-plane", address, gpus, peers: [], ports: [] });
}

async function lookAtSpec(file: string): Promise<Report[]> {
  const { loadSpec } = await import("../load-spec.ts");
  const { targetsOf } = await import("../../machines/server/targets.ts");
  const { openRemote } = await import("../../machines/server/remote.ts");
  const { preflight } = await import("../../machines/server/preflight.ts");
  const { expectationOf } = await import("../../machines/server/expectation.ts");
  const spec = loadSpec(file);
  const targets = targetsOf(spec, file);
  process.stderr.write(`looking at ${targets.length} servers …\n`);
  return Promise.all(
    targets.map(async ({ target }): Promise<Report> => {
      const remote = openRemote(target, { resume: `tandem doctor ${file}` });
      try {
        return await preflight(remote, expectationOf(spec, target.name));
      } catch (error) {
        // One dead server must not hide what the others have to say.
        if (!(error instanceof TandemError)) throw error;
        return { server: target.name, findings: [{ severity: "error", ...error.toJSON() }] };
      } finally {
        await remote.close();
      }
    }),
  );
}

function hasErrors(reports: readonly Report[]): boolean {
  return reports.some(({ findings }) => findings.some(({ severity }) => severity === "error"));
}

/** A table of all servers, then each finding with its reason and its fix. */
function describe(reports: readonly Report[]): string {
  const rows = [
    ["SERVER", "SYSTEM", "CGROUP", "GPUS", "DRIVER", "CLOCK", "VERDICT"],
    ...reports.map(({ server, facts, findings }) => [
      server,
      facts?.os.name ?? "-",
      facts ? `v${facts.cgroup}` : "-",
      facts ? String(facts.gpus.length) : "-",
      facts?.gpus[0]?.driver ?? "-",
      facts ? `${facts.clockAheadMs >= 0 ? "+" : ""}${(facts.clockAheadMs / 1000).toFixed(2)} s` : "-",
      verdict(findings),
    ]),
  ];
  const widths = rows[0]?.map((_cell, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0))) ?? [];
  const lines = rows.map((row) =>
    row
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join("  ")
      .trimEnd(),
  );
  const findings = reports.flatMap(({ server, findings: list }) =>
    list.map(
      ({ severity, code, what, why, fix }) => `${severity} ${server}: ${what}: ${why}\n  fix: ${fix}  [${code}]`,
    ),
  );
  return `${lines.join("\n")}\n${findings.length > 0 ? `\n${findings.join("\n")}\n` : ""}`;
}

function verdict(findings: readonly Finding[]): string {
  const count = (severity: Finding["severity"]) => findings.filter((finding) => finding.severity === severity).length;
  const words = [
    [count("error"), "error"],
    [count("warning"), "warning"],
  ] as const;
  const text = words.flatMap(([number, word]) => (number === 0 ? [] : [`${number} ${word}${number === 1 ? "" : "s"}`]));
  return text.length === 0 ? "fit" : text.join(", ");
}
