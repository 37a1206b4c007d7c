import { z } from "zod";
import { TandemError } from "../errors.ts";

const orOff = (fallback: string) =>
  z
    .string()
    .default(fallback)
    .transform((value) => (value === "off" ? null : value));
const milliseconds = (fallback: number, min: number, max: number) =>
  z.coerce.number().int().min(min).max(max).default(fallback);

/** Settings of an agent, one environment variable each; `docs/agent.md` has the same list in words. */
const Settings = z.object({
  /** Name of this server: of the node, as in the spec. */
  AGENT_SERVER: z.string().min(1),
  AGENT_HOST: z.string().default("0.0.0.0"),
  /** 0 takes any free port, which the line `listening` of the log then names. */
  AGENT_PORT: z.coerce.number().int().min(0).max(65_535).default(9477),
  AGENT_TOKEN: z.string().min(16).optional(),
  /** One token a line; read again when it changes, so that a token can be changed without a restart. */
  AGENT_TOKEN_FILE: z.string().optional(),
  AGENT_TLS_CERT: z.string().optional(),
  AGENT_TLS_KEY: z.string().optional(),
  AGENT_HEARTBEAT_MS: milliseconds(250, 10, 10_000),
  /** Instead of the kernel's: a pretended server on a computer that it shares. */
  AGENT_BOOT_ID: z.string().optional(),
  AGENT_KERNEL_LOG: orOff("/dev/kmsg"),
  AGENT_PROC: orOff("/proc"),
  AGENT_PROCESS_POLL_MS: milliseconds(20, 5, 1_000),
  AGENT_PROCESS_SCAN_MS: milliseconds(1_000, 20, 60_000),
  /** Part of the launcher's command line that tells this server's engine from others on the same computer. */
  AGENT_ENGINE_MATCH: z.string().default(""),
  AGENT_GROUP: z.string().optional(),
  /** Where the engine answers; by default its command line tells. */
  AGENT_ENGINE_URL: orOff("auto"),
  AGENT_ENGINE_EVERY_MS: milliseconds(500, 50, 60_000),
  AGENT_NVIDIA_SMI: orOff("nvidia-smi"),
  AGENT_GPUS: z.coerce.number().int().min(0).max(64).default(8),
  AGENT_GPU_EVERY_MS: milliseconds(10_000, 100, 600_000),
  AGENT_GPU_TIMEOUT_MS: milliseconds(8_000, 50, 600_000),
  /** Root of the tree that has `class/infiniband`. */
  AGENT_SYS: orOff("/sys"),
  AGENT_LINK_EVERY_MS: milliseconds(1_000, 50, 60_000),
  /** `in-cluster`, the path of a kubeconfig, or `off`. */
  AGENT_KUBE: orOff("off"),
  LOG_LEVEL: z.enum(["trace", "debug", "info", "warn", "error", "fatal", "silent"]).default("info"),
});

export type AgentSettings = z.infer<typeof Settings>;

/** @throws TandemError `E_AGENT_SETTINGS` that names every setting at fault, and no value, which may be a token */
export function agentSettings(env: NodeJS.ProcessEnv): AgentSettings {
  const result = Settings.safeParse(env);
  const problems = result.success
    ? []
    : result.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`);
  if (result.success && result.data.AGENT_TOKEN === undefined && result.data.AGENT_TOKEN_FILE === undefined)
    problems.push("AGENT_TOKEN or AGENT_TOKEN_FILE: nobody could be let in without a token");
  if (result.success && (result.data.AGENT_TLS_CERT === undefined) !== (result.data.AGENT_TLS_KEY === undefined))
    problems.push("AGENT_TLS_CERT and AGENT_TLS_KEY: both or none");
  if (result.success && problems.length === 0) return result.data;
  throw new TandemError({
    code: "E_AGENT_SETTINGS",
    what: "the agent cannot start",
    why: problems.join("; "),
    fix: "set these environment variables; docs/agent.md lists them all",
  });
}
