import { stackFiles } from "../../infra/stack/stack-files.ts";
import { readRecord } from "../../infra/stack/stack-record.ts";
import { readStackSecrets, secretFile } from "../../infra/stack/stack-secrets.ts";
import { interrupted } from "../interrupted.ts";
import { type OutputFormat, printData } from "../output.ts";
import { unknownStack } from "../stack-access.ts";
import { forwardDashboard } from "./forward.ts";

export interface DashboardCommandOptions {
  stack: string;
  kubeconfig?: string;
  port: number;
  output: OutputFormat;
}

/** Opens a way to the page and says how to log in, until Ctrl-C. */
export async function openDashboard({ stack, kubeconfig, port, output }: DashboardCommandOptions): Promise<void> {
  const record = await readRecord(stack);
  const secrets = await readStackSecrets(stack);
  if (kubeconfig === undefined && record === undefined) throw unknownStack(stack);
  const files = stackFiles(stack);
  const hasKeys = secrets !== undefined && secrets["dashboard-key"] !== "";
  const keys = hasKeys
    ? { operator: secretFile(stack, "dashboard-key"), viewer: secretFile(stack, "dashboard-view-key") }
    : null;
  await forwardDashboard({
    programs: files.programs,
    kubeconfig: kubeconfig ?? files.kubeconfig,
    namespace: record?.namespace ?? `tandem-${stack}`,
    port,
    signal: interrupted(),
    onOpen: async (local) => {
      const url = `${await schemeOf(local)}://127.0.0.1:${local}`;
      if (output !== "text") await printData({ url, keys }, output);
      else process.stdout.write(openText(stack, url, keys));
    },
    onBroken: (why) => process.stderr.write(`tandem: the way to the page broke (${why}), it is opened again\n`),
  });
}

function openText(stack: string, url: string, keys: { operator: string; viewer: string } | null): string {
  const how =
    keys === null
      ? "log in with a key of whoever made the stack: `tandem dashboard` there says where they are"
      : `log in with the key in\n  ${keys.operator}   may switch over and drill\n  ${keys.viewer}   may look only`;
  return `dashboard of ${stack}   ${url}   (Ctrl-C ends it)\n\n${how}\n`;
}

/** A page that has a certificate does not answer plain HTTP. */
async function schemeOf(port: number): Promise<"http" | "https"> {
  return fetch(`http://127.0.0.1:${port}/state`, { signal: AbortSignal.timeout(3_000) }).then(
    () => "http",
    () => "https",
  );
}
