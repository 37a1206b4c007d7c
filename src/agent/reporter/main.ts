import { readFileSync } from "node:fs";
import { pino } from "pino";
import * as z from "zod/mini";
import { TandemError } from "../../errors.ts";
import { kubeClient } from "../../kube/client.ts";
import { reporterKubeconfig } from "./in-cluster.ts";
import { nodeWriter } from "./node-writer.ts";
import { readConditions } from "./read-conditions.ts";
import { startReporter } from "./reporter.ts";

const Settings = z.object({
  REPORTER_SERVER: z.string().check(z.minLength(1)),
  REPORTER_AGENT_URL: z._default(z.string(), "http://127.0.0.1:9477"),
  REPORTER_TOKEN_FILE: z.string().check(z.minLength(1)),
  /** Shared with the agent, which reads it as AGENT_CONDITIONS. */
  REPORTER_CONDITIONS: z.string().check(z.minLength(1)),
  REPORTER_KUBECONFIG: z.optional(z.string()),
});

/** `tandem-reporter`: what the agent found → Node; conditions of others → agent. */
function main(): void {
  const log = pino({ base: { program: "reporter" } });
  const result = Settings.safeParse(process.env);
  if (!result.success)
    throw new TandemError({
      code: "E_REPORTER_SETTINGS",
      what: "the reporter cannot start",
      why: result.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`).join("; "),
      fix: "set these environment variables; docs/agent.md lists them all",
    });
  const { REPORTER_SERVER: node, REPORTER_KUBECONFIG: path, ...settings } = result.data;
  const client = kubeClient(path === undefined ? reporterKubeconfig(process.env) : readFileSync(path, "utf8"));
  const end = new AbortController();
  let last = "";
  const onProblem = (error: unknown) => {
    const message = error instanceof Error ? error.message : String(error);
    // An API server that is away is away for minutes: one line, not one a second.
    if (message !== last) log.warn({ error: message }, "the API server did not take part");
    last = message;
  };
  const reporter = startReporter({
    server: node,
    url: settings.REPORTER_AGENT_URL,
    token: readFileSync(settings.REPORTER_TOKEN_FILE, "utf8").split("\n")[0]?.trim() ?? "",
    writer: nodeWriter(client, node, end.signal),
    onProblem,
  });
  void readConditions({ client, node, file: settings.REPORTER_CONDITIONS, signal: end.signal, onProblem });
  log.info({ node, api: client.server }, "reporting");
  const stop = () => {
    reporter.stop();
    end.abort();
    void client.close().finally(() => process.exit(0));
  };
  process.once("SIGTERM", stop).once("SIGINT", stop);
}

try {
  main();
} catch (error) {
  process.stderr.write(error instanceof TandemError ? `${error.message}\n` : `${(error as Error).stack}\n`);
  process.exitCode = 1;
}
