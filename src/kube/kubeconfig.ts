import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { promisify } from "node:util";
import { parse } from "yaml";
import { z } from "zod";
import { TandemError } from "../errors.ts";

const named = <Shape extends z.ZodRawShape>(key: string, shape: Shape) =>
  z.array(z.looseObject({ name: z.string(), [key]: z.looseObject(shape) }));
const Kubeconfig = z.looseObject({
  "current-context": z.string().min(1),
  contexts: named("context", { cluster: z.string(), user: z.string() }),
  clusters: named("cluster", {
    server: z.url(),
    "certificate-authority": z.string().optional(),
    "certificate-authority-data": z.string().optional(),
    "insecure-skip-tls-verify": z.boolean().optional(),
    "tls-server-name": z.string().optional(),
  }),
  users: named("user", {
    token: z.string().optional(),
    tokenFile: z.string().optional(),
    "client-certificate": z.string().optional(),
    "client-certificate-data": z.string().optional(),
    "client-key": z.string().optional(),
    "client-key-data": z.string().optional(),
    exec: z
      .looseObject({
        command: z.string(),
        args: z.array(z.string()).nullish(),
        env: z.array(z.object({ name: z.string(), value: z.string() })).nullish(),
      })
      .optional(),
  }),
});

/** How to reach one API server, and as whom. PEM texts, never paths. */
export interface ApiAccess {
  server: string;
  ca: string | undefined;
  serverName: string | undefined;
  verify: boolean;
  certificate: string | undefined;
  key: string | undefined;
  /** Read anew for each request where it comes from a file or a program: such tokens expire. */
  token: (() => Promise<string>) | undefined;
}

/**
 * Reads the current context of a kubeconfig: client certificates, tokens, token files and exec plug-ins, which is what
 * kubeadm and the managed clusters write.
 *
 * @throws TandemError `E_KUBECONFIG`, without any content of the file.
 */
export function parseKubeconfig(text: string): ApiAccess {
  const result = Kubeconfig.safeParse(readYaml(text));
  if (!result.success) throw unusable(result.error.issues.map((i) => `${i.path.join(".")}: ${i.message}`).join("; "));
  const config = result.data;
  const pick = <Key extends "contexts" | "clusters" | "users">(list: Key, name: string): Record<string, unknown> => {
    const entry = config[list].find((candidate) => candidate.name === name);
    if (!entry) throw unusable(`it has no ${list.slice(0, -1)} named "${name}"`);
    return entry[list.slice(0, -1)] as Record<string, unknown>;
  };
  const context = pick("contexts", config["current-context"]);
  const cluster = pick("clusters", String(context.cluster));
  const user = pick("users", String(context.user));
  return {
    server: String(cluster.server).replace(/\/$/, ""),
    ca: pem(cluster, "certificate-authority"),
    serverName: cluster["tls-server-name"] as string | undefined,
    verify: cluster["insecure-skip-tls-verify"] !== true,
    certificate: pem(user, "client-certificate"),
    key: pem(user, "client-key"),
    token: tokenSource(user),
  };
}

function readYaml(text: string): unknown {
  try {
    return parse(text);
  } catch {
    throw unusable("it is not YAML");
  }
}

function pem(section: Record<string, unknown>, field: string): string | undefined {
  const data = section[`${field}-data`];
  if (typeof data === "string") return Buffer.from(data, "base64").toString("utf8");
  const path = section[field];
  return typeof path === "string" ? readFileSync(path, "utf8") : undefined;
}

function tokenSource(user: Record<string, unknown>): ApiAccess["token"] {
  const { token, tokenFile } = user;
  if (typeof token === "string") return async () => token;
  if (typeof tokenFile === "string") return async () => readFileSync(tokenFile, "utf8").trim();
  const exec = user.exec as { command: string; args?: string[]; env?: { name: string; value: string }[] } | undefined;
  if (!exec) return undefined;
  return async () => {
    const env = { ...process.env, ...Object.fromEntries((exec.env ?? []).map(({ name, value }) => [name, value])) };
    const { stdout } = await promisify(execFile)(exec.command, exec.args ?? [], { env });
    const credential = JSON.parse(stdout) as { status?: { token?: string } };
    if (!credential.status?.token) throw unusable(`${exec.command} printed no token`);
    return credential.status.token;
  };
}

function unusable(why: string): TandemError {
  return new TandemError({
    code: "E_KUBECONFIG",
    what: "the kubeconfig cannot be used",
    why,
    fix: "check it with: kubectl config view --minify",
  });
}
