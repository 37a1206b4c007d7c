import { TandemError } from "../../errors.ts";
import type { ModelService } from "../../manifests/model-service/resource.ts";
import { decisionData, decisionText, explainPart } from "../../report/decision.ts";
import { type OutputFormat, printData } from "../output.ts";
import { type ServiceOptions, withService } from "./access.ts";
import { readService } from "./follow.ts";

export const LIVE_TOPICS: readonly string[] = ["decision", "group", "server"];

/**
 * `tandem explain decision`, `group NAME`, `server NAME`: the present words of the reconciler. False for a topic that is
 * about no stack.
 */
export async function explainLive(
  topic: string,
  name: string | undefined,
  options: ServiceOptions & { output: OutputFormat },
): Promise<boolean> {
  if (!LIVE_TOPICS.includes(topic)) return false;
  const service = await withService(options, (access) => readService(access));
  if (topic === "decision") await show(decisionData(service), decisionText(service, Date.now()), options.output);
  else await explainNamed(service, topic as "group" | "server", name, options.output);
  return true;
}

async function explainNamed(
  service: ModelService,
  kind: "group" | "server",
  name: string | undefined,
  output: OutputFormat,
): Promise<void> {
  const { groups = [], servers = [], takeover, standby } = service.status ?? {};
  const names = kind === "group" ? groups.map(({ id }) => id) : servers.map((server) => server.name);
  const text = name === undefined ? undefined : explainPart(service, kind, name);
  if (text === undefined)
    throw new TandemError({
      code: "E_EXPLAIN_TOPIC",
      what: `cannot explain ${kind} ${name ?? ""}`.trimEnd(),
      why: name === undefined ? "no name was given" : `the reconciler has told nothing of it`,
      fix: names.length === 0 ? "no reconciler has reported yet: look at its pods" : `name one of ${names.join(", ")}`,
    });
  const found =
    kind === "group" ? groups.find(({ id }) => id === name) : servers.find((server) => server.name === name);
  await show(kind === "group" && name === standby ? { ...found, takeover } : found, text, output);
}

async function show(data: unknown, text: string, output: OutputFormat): Promise<void> {
  if (output === "text") process.stdout.write(text);
  else await printData(data, output);
}
