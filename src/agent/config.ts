// The small build of zod: the whole one takes seven megabytes, a ninth of what an agent may have.
import * as z from "zod/mini";
import { TandemError } from "../errors.ts";

const text = (fallback: string) => z._default(z.string(), fallback);
const orOff = (fallback: string) =>
  z.pipe(
    text(fallback),
    z.transform((value) => (value === "off" ? null : value)),
  );
const whole = (fallback: number, min: number, max: number) =>
  z.pipe(z.pipe(text(String(fallback)), z.transform(Number)), z.int().check(z.minimum(min), z.maximum(max)));

/** Settings of an agent, one environment variable each; `docs/agent.md` has the same list in words. */
const Settings = z.object({
  /** Name of this server: of the node, as in the spec. */
  AGENT_SERVER: z.string().check(z.minLength(1)),
  AGENT_HOST: text("0.0.0.0"),
  /** 0 takes any free port, which the line `listening` of the log then names. */
  AGENT_PORT: whole(9477, 0, 65_535),
  AGENT_TOKEN: z.optional(z.string().check(z.minLength(16))),
  /** One token a line; read again when it changes, so that a token can be changed without a restart. */
  AGENT_TOKEN_FILE: z.optional(z.string()),
  AGENT_TLS_CERT: z.optional(z.string()),
  AGENT_TLS_KEY: z.optional(z.string()),
  AGENT_HEARTBEAT_MS: whole(250, 10, 10_000),
  AGENT_BOOT_ID_FILE: text("/proc/sys/kernel/random/boot_id"),
  /** Instead of the kernel's: a pretended server on a computer that it shares. */
  AGENT_BOOT_ID: z.optional(z.string()),
  AGENT_KERNEL_LOG: orOff("/dev/kmsg"),
  /** Folder in which a drill pretends lines of the kernel log (`kernel-log/drill-lines.ts`). */
  AGENT_DRILL: orOff("off"),
  AGENT_PROC: orOff("/proc"),
  // To a beat: every 42 ms of the 50 in which an exit is to be heard. Each look wakes the process up, all day long, and one in
  // so many does so with a beat.
  AGENT_PROCESS_POLLS: whole(6, 1, 50),
  AGENT_PROCESS_SCAN_MS: whole(1_000, 20, 60_000),
  /** Part of the launcher's command line that tells this server's engine from others on the same computer. */
  AGENT_ENGINE_MATCH: text(""),
  AGENT_GROUP: z.optional(z.string()),
  /** Where the engine answers; by default its command line tells. */
  AGENT_ENGINE_URL: orOff("auto"),
  AGENT_ENGINE_EVERY_MS: whole(500, 50, 60_000),
  AGENT_NVIDIA_SMI: orOff("nvidia-smi"),
  AGENT_GPUS: whole(8, 0, 64),
  AGENT_GPU_EVERY_MS: whole(10_000, 100, 600_000),
  AGENT_GPU_TIMEOUT_MS: whole(8_000, 50, 600_000),
  /** Root of the tree that has `class/infiniband`. */
  AGENT_SYS: orOff("/sys"),
  /** The cards that the engine uses, by name and separated by commas; all where none is named. */
  AGENT_LINK_DEVICES: text(""),
  AGENT_LINK_EVERY_MS: whole(1_000, 50, 60_000),
  /** File in which the reporter puts the conditions that others wrote on this node. */
  AGENT_CONDITIONS: orOff("off"),
  /** Where this process sees the server's own file system: `/proc/1/root` in a pod that shares its processes. */
  AGENT_ROOT: text(""),
  /** Folders of the server that an engine loads from. */
  AGENT_WEIGHTS: orOff("off"),
  AGENT_KERNEL_CACHE: orOff("off"),
  /** `df`, or the words that run it in the server's own file system. */
  AGENT_DF: orOff("df"),
  AGENT_STORAGE_EVERY_MS: whole(10_000, 100, 600_000),
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
