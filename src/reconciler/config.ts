import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { z } from "zod";
import { TandemError } from "../errors.ts";
import { inClusterKubeconfig } from "../kube/in-cluster.ts";
import type { TlsFiles } from "../stream/tls.ts";

const Settings = z.object({
  TANDEM_NAMESPACE: z.string().min(1),
  TANDEM_MODEL_SERVICE: z.string().min(1),
  TANDEM_AGENT_TOKEN_FILE: z.string().min(1),
  TANDEM_ADMIN_TOKEN_FILE: z.string().min(1),
  /** Files NAME.user, NAME.password and, to check its certificate, NAME.ca or NAME.sha256 for each server with a BMC. */
  TANDEM_BMC_FOLDER: z.string().optional(),
  TANDEM_LISTEN: z
    .string()
    .regex(/^.+:\d+$/, "want HOST:PORT")
    .default("0.0.0.0:9479"),
  /** Where the page of the stack is served; without the file of its keys nobody could log in, and it is not. */
  TANDEM_DASHBOARD_LISTEN: z
    .string()
    .regex(/^.+:\d+$/, "want HOST:PORT")
    .default("0.0.0.0:9480"),
  TANDEM_DASHBOARD_KEYS_FILE: z.string().optional(),
  /** `tls.crt` and `tls.key`; where they are not there it is plain HTTP. */
  TANDEM_DASHBOARD_TLS_FOLDER: z.string().optional(),
  /** Files `url` and, where wanted, `authorization` of the webhook that calls a person. */
  TANDEM_WEBHOOK_FOLDER: z.string().optional(),
  TANDEM_ENGINE_KEY_FILE: z.string().optional(),
  /** Unique for each start; by default the host's name and chance. */
  TANDEM_IDENTITY: z.string().optional(),
  TANDEM_LOG_LEVEL: z.string().default("info"),
});

export interface ReconcilerConfig {
  namespace: string;
  name: string;
  kubeconfig: string;
  agentToken: () => string;
  adminToken: () => string;
  bmcFolder: string | undefined;
  engineKey: string | null;
  webhookFolder: string | undefined;
  listen: { host: string; port: number };
  /** Null where no page is to be served. */
  dashboard: { listen: { host: string; port: number }; keys: () => string; tls: TlsFiles | undefined } | null;
  identity: string | undefined;
}

const OUTSIDE = { what: "there is no API server to talk to", fix: "run it in the cluster, or with --kubeconfig FILE" };

/** @throws TandemError `E_RECONCILER_SETTINGS` that names every setting at fault, and no value */
export function reconcilerConfig(env: Readonly<Record<string, string | undefined>>, args: string[]): ReconcilerConfig {
  const { values } = parseArgs({ args, options: { kubeconfig: { type: "string" } } });
  const result = Settings.safeParse(env);
  if (!result.success) {
    throw new TandemError({
      code: "E_RECONCILER_SETTINGS",
      what: "the reconciler cannot start",
      why: result.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`).join("; "),
      fix: "set these environment variables; docs/reconciler.md lists them all",
    });
  }
  const settings = result.data;
  return {
    namespace: settings.TANDEM_NAMESPACE,
    name: settings.TANDEM_MODEL_SERVICE,
    kubeconfig:
      values.kubeconfig === undefined ? inClusterKubeconfig(env, OUTSIDE) : readFileSync(values.kubeconfig, "utf8"),
    agentToken: secretIn(settings.TANDEM_AGENT_TOKEN_FILE),
    adminToken: secretIn(settings.TANDEM_ADMIN_TOKEN_FILE),
    bmcFolder: settings.TANDEM_BMC_FOLDER,
    webhookFolder: settings.TANDEM_WEBHOOK_FOLDER,
    engineKey: settings.TANDEM_ENGINE_KEY_FILE === undefined ? null : secretIn(settings.TANDEM_ENGINE_KEY_FILE)(),
    listen: placeOf(settings.TANDEM_LISTEN),
    dashboard: dashboardOf(settings),
    identity: settings.TANDEM_IDENTITY,
  };
}

function dashboardOf(settings: z.infer<typeof Settings>): ReconcilerConfig["dashboard"] {
  const { TANDEM_DASHBOARD_KEYS_FILE: keys, TANDEM_DASHBOARD_TLS_FOLDER: folder } = settings;
  if (keys === undefined) return null;
  const tls = folder === undefined ? undefined : { cert: join(folder, "tls.crt"), key: join(folder, "tls.key") };
  return { listen: placeOf(settings.TANDEM_DASHBOARD_LISTEN), keys: secretIn(keys), tls };
}

function placeOf(text: string): { host: string; port: number } {
  const cut = text.lastIndexOf(":");
  return { host: text.slice(0, cut), port: Number(text.slice(cut + 1)) };
}

/** Read again at each use: a Secret's file changes when the token does. */
function secretIn(path: string): () => string {
  return () => readFileSync(path, "utf8").trim();
}
