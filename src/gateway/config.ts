import { readFileSync } from "node:fs";
import { z } from "zod";
import { TandemError } from "../errors.ts";
import { REMEDIES } from "../health/remedy.ts";

const port = z.int().min(0).max(65_535);
const ms = z.number().positive();
const sha256 = z.string().regex(/^[0-9a-f]{64}$/, "want the SHA-256 of the key, 64 hex digits");

/** The gateway's configuration file. Secrets are not in it: keys are hashes, tokens come from the environment or from files. */
export const GatewayConfigSchema = z.strictObject({
  listen: z.strictObject({
    host: z.string(),
    port,
    tls: z.strictObject({ cert: z.string(), key: z.string() }).optional(),
  }),
  /** Metrics, status and roles; for operators only. */
  admin: z.strictObject({ host: z.string().default("127.0.0.1"), port }),
  /** A new replica may start beside the old one and take its ports over, of the same user and on Linux (SO_REUSEPORT). */
  sharedPorts: z.boolean().default(false),
  model: z.strictObject({
    name: z.string().min(1),
    parser: z.enum(["deepseek-r1", "deepseek-v3"]).nullable(),
    templateOpensThink: z.boolean(),
    contextLength: z.int().positive(),
    /** Attention data parallelism (`--attn-dp-size`): so many prefix caches has an engine. */
    attentionDp: z.int().positive().default(1),
  }),
  /** `engine`: where a server answers that joins a group later; the first members' addresses stand in `groups`. */
  servers: z.record(
    z.string(),
    z.strictObject({ agent: z.url(), ca: z.string().optional(), engine: z.url().optional() }),
  ),
  groups: z
    .record(z.string(), z.strictObject({ servers: z.array(z.string()).min(1), urls: z.array(z.url()).min(1) }))
    .refine((groups) => Object.keys(groups).length > 0, "want at least one group"),
  active: z.string(),
  epoch: z.int().min(0).default(0),
  /** Admin addresses of the other replicas, asked for the highest epoch at the start. */
  siblings: z.array(z.url()).default([]),
  /** Keeps the last role for the next start: with neither sibling nor reconciler, nobody else would know it. */
  roleFile: z.string().optional(),
  keys: z.array(z.strictObject({ name: z.string(), sha256 })).default([]),
  /** The standby reads running answers, so that its prefix cache has them when it takes over. */
  warmStandby: z.boolean().default(true),
  xids: z.record(z.coerce.number<string>(), z.enum(REMEDIES)).default({}),
  limits: z
    .strictObject({
      // The next two come from the plan; these are for a gateway that is started by hand.
      maxRequests: z.int().positive().default(512),
      maxEngineQueue: z.int().positive().default(256),
      maxBodyBytes: z
        .int()
        .positive()
        .default(16 * 2 ** 20),
      /** Of all requests together; the strings that are made of them take up to six times as much of the pod's 1 GiB. */
      maxHeldBodyBytes: z
        .int()
        .positive()
        .default(64 * 2 ** 20),
      maxTextBytes: z
        .int()
        .positive()
        .default(16 * 2 ** 20),
      maxLegs: z.int().positive().default(6),
      prefillWindowTokens: z.int().positive().default(65_536),
      totalDeadlineMs: ms.default(3_600_000),
      slowClientMs: ms.default(60_000),
      poisonForMs: ms.default(600_000),
      connectTimeoutMs: ms.default(1000),
      drainMs: ms.default(60_000),
    })
    .prefault({}),
  /** What the plan expects of one step: a full context's prefill. */
  longestStepMs: ms.default(1000),
  holdDeadlineMs: ms.default(15_000),
});

export type GatewayConfig = z.infer<typeof GatewayConfigSchema>;
export type GatewayConfigInput = z.input<typeof GatewayConfigSchema>;

export interface GatewaySecrets {
  agentToken: string;
  adminToken: string;
  /** The engines' own key; null where they have none. */
  engineKey: string | null;
}

export function parseGatewayConfig(raw: unknown): GatewayConfig {
  const result = GatewayConfigSchema.safeParse(raw);
  if (!result.success) throw wrong(z.prettifyError(result.error));
  const config = result.data;
  if (config.groups[config.active] === undefined) throw wrong(`active: there is no group ${config.active}`);
  const unknown = Object.values(config.groups).flatMap(({ servers }) =>
    servers.filter((id) => config.servers[id] === undefined),
  );
  if (unknown.length > 0) throw wrong(`groups: no server ${unknown.join(", ")} under servers`);
  return config;
}

export function readGatewayConfig(path: string): GatewayConfig {
  try {
    return parseGatewayConfig(JSON.parse(readFileSync(path, "utf8")));
  } catch (error) {
    if (error instanceof TandemError) throw error;
    throw wrong(`${path}: ${(error as Error).message}`);
  }
}

/** `NAME` or the content of the file `NAME_FILE`. */
export function readSecrets(env: Readonly<Record<string, string | undefined>>): GatewaySecrets {
  const read = (name: string): string | null => {
    const file = env[`${name}_FILE`];
    const value = file === undefined ? env[name] : readFileSync(file, "utf8").trim();
    return value === undefined || value === "" ? null : value;
  };
  const need = (name: string): string => {
    const value = read(name);
    if (value === null) throw wrong(`${name} or ${name}_FILE is not set`);
    return value;
  };
  return {
    agentToken: need("TANDEM_AGENT_TOKEN"),
    adminToken: need("TANDEM_ADMIN_TOKEN"),
    engineKey: read("TANDEM_ENGINE_KEY"),
  };
}

/** API keys by name and hash, from the JSON file that `TANDEM_API_KEYS_FILE` names; none without it. */
export function readApiKeys(env: Readonly<Record<string, string | undefined>>): GatewayConfig["keys"] {
  const path = env.TANDEM_API_KEYS_FILE;
  return path === undefined ? [] : parseApiKeys(path, readFileSync(path, "utf8"));
}

/** @throws TandemError with what is wrong in the file, and nothing of what it holds: somebody may have put a key there */
export function parseApiKeys(path: string, text: string): GatewayConfig["keys"] {
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch {
    throw wrong(`${path} is no JSON`);
  }
  const result = GatewayConfigSchema.shape.keys.safeParse(raw);
  if (!result.success) throw wrong(`${path}: ${z.prettifyError(result.error)}`);
  return result.data;
}

function wrong(why: string): TandemError {
  const fix = "correct the configuration; `tandem render` writes one that fits the spec";
  return new TandemError({ code: "gateway-config", what: "the gateway cannot start", why, fix });
}
