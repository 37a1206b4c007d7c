import { delimiter, dirname, join } from "node:path";
import { Command } from "commander";
import { shellWord } from "../../shell-word.ts";
import { type OutputFormat, outputOption, printData } from "../output.ts";

/** `tandem env`: what a shell needs to work on a stack with the stock tools. */
export function command(): Command {
  return new Command("env")
    .description("Print export lines for kubectl, pulumi, docker and any OpenAI client. They hold the stack's API key.")
    .option("-s, --stack <name>", "the stack", "local")
    .addOption(outputOption())
    .addHelpText("after", '\nExamples:\n  eval "$(tandem env)"\n  tandem env --stack prod --output json')
    .action(async ({ stack, output }: { stack: string; output: OutputFormat }) => {
      const variables = await variablesOf(stack);
      if (output !== "text") return printData(variables, output);
      for (const [name, value] of Object.entries(variables))
        process.stdout.write(`export ${name}=${shellWord(value)}\n`);
    });
}

async function variablesOf(stack: string): Promise<Record<string, string>> {
  const { stackFiles, pulumiEnv } = await import("../../infra/stack/stack-files.ts");
  const { readStackSecrets } = await import("../../infra/stack/stack-secrets.ts");
  const { readRecord } = await import("../../infra/stack/stack-record.ts");
  const { findEngine } = await import("../../machines/local/engine.ts");
  const { unknownStack } = await import("../stack-access.ts");
  const record = await readRecord(stack);
  const secrets = await readStackSecrets(stack);
  if (record === undefined || secrets === undefined) throw unknownStack(stack);
  const files = stackFiles(stack);
  const engine = record.local ? await findEngine() : undefined;
  await engine?.api.close();
  const home = process.env.TANDEM_HOME;
  return {
    KUBECONFIG: files.kubeconfig,
    OPENAI_BASE_URL: record.baseUrl,
    OPENAI_API_KEY: secrets["api-key"],
    ...(engine ? { DOCKER_HOST: engine.dockerHost } : {}),
    ...pulumiEnv(files),
    ...(home ? { TANDEM_HOME: home } : {}),
    PATH: [files.programs, ...dockerFolder(engine, join), process.env.PATH ?? ""].join(delimiter),
  };
}

/** The private daemon comes with its own `docker`. */
function dockerFolder(engine: { kind: string; socketPath: string } | undefined, path: typeof join): string[] {
  return engine?.kind === "private" ? [path(dirname(engine.socketPath), "root/usr/bin")] : [];
}
