import { createReadStream } from "node:fs";
import { writeFile } from "node:fs/promises";
import type { Readable } from "node:stream";
import { execa } from "execa";
import { TandemError } from "../../errors.ts";
import { controlPath } from "./control-path.ts";
import { limitConcurrency } from "./limit-concurrency.ts";
import { remoteFailure } from "./remote-failure.ts";
import { wrapScript } from "./remote-wrapper.ts";
import { sshArguments } from "./ssh-arguments.ts";
import { sshFailure } from "./ssh-failure.ts";
import { describeTarget, type SshTarget } from "./target.ts";

export interface RunOptions {
  /** What the script does, for messages: "kubeadm init". */
  step?: string;
  /** Shell variables of the script. Visible in the server's process list: no secrets. */
  values?: Readonly<Record<string, string>>;
  /** Standard input of the script: the place for secrets. */
  input?: string | Buffer | { stream: Readable; bytes: number };
  /** Standard output goes to this local file (made with mode 0600) instead of the result. */
  outputFile?: string;
  /** Called with what it prints, as it comes. */
  onOutput?: (text: string) => void;
  /** Default 120 s. */
  timeoutMs?: number;
  signal?: AbortSignal;
  /** Texts that must not appear in an error. */
  secrets?: readonly string[];
}

// sshd serves ten sessions per connection unless told otherwise (MaxSessions).
const SESSIONS = 8;
const MAX_OUTPUT_BYTES = 32 * 1024 * 1024;
/** How long the server gets to end what an aborted script started before the connection is cut. */
const STOP_MS = 5_000;

/**
 * One server, reached through the system's OpenSSH. All commands share one connection, which opens at the first.
 * Every failure is a TandemError that names the server, the step, the failed command and what to do next.
 */
export class Remote {
  readonly target: SshTarget;
  /** The command line that carries on after a failure; errors name it. */
  readonly resume: string;
  readonly #arguments: string[];
  readonly #queue = limitConcurrency(SESSIONS);
  #connected: Promise<void> | undefined;

  constructor(target: SshTarget, resume: string) {
    this.target = target;
    this.resume = resume;
    this.#arguments = sshArguments(target, controlPath(target));
  }

  /** Runs a bash script (`set -euo pipefail`) as root and gives its standard output. */
  async run(script: string, options: RunOptions = {}): Promise<string> {
    const { code, stdout, stderr } = await this.#execute(script, options);
    if (code === 0) return stdout;
    throw remoteFailure(this, options, code, stderr);
  }

  /** Runs a script that answers a question: exit code 0 is yes, 1 is no, any other is a failure. */
  async test(script: string, options: RunOptions = {}): Promise<boolean> {
    const { code, stderr } = await this.#execute(script, options);
    if (code <= 1) return code === 0;
    throw remoteFailure(this, options, code, stderr);
  }

  /** Ends the shared connection. Commands still running on it fail. */
  async close(): Promise<void> {
    if (this.#connected === undefined) return;
    this.#connected = undefined;
    await execa("ssh", ["-O", "exit", ...this.#arguments], { reject: false, stdio: "ignore" });
  }

  async #execute(script: string, options: RunOptions): Promise<{ code: number; stdout: string; stderr: string }> {
    // The first command opens the shared connection alone: two at once would race for its socket.
    this.#connected ??= this.#connect(options.signal);
    try {
      await this.#connected;
    } catch (error) {
      this.#connected = undefined;
      throw error;
    }
    return this.#queue(() => this.#ssh(script, options));
  }

  async #connect(signal?: AbortSignal): Promise<void> {
    await this.#ssh(":", { step: "connect", timeoutMs: 20_000, ...(signal ? { signal } : {}) });
  }

  async #ssh(script: string, options: RunOptions): Promise<{ code: number; stdout: string; stderr: string }> {
    const { step, values = {}, timeoutMs = 120_000, signal, input = "", outputFile, onOutput } = options;
    if (signal?.aborted) throw this.#stopped(step, "it was cancelled before it began");
    const raw = typeof input === "string" ? Buffer.from(input) : input;
    const bytes = Buffer.isBuffer(raw) ? raw.length : raw.bytes;
    const wrapped = wrapScript(script, values, bytes, this.target.user !== "root");
    if (outputFile !== undefined) await writeFile(outputFile, "", { mode: 0o600 });
    const child = execa("ssh", [...this.#arguments, wrapped.command], {
      reject: false,
      stdin: "pipe",
      ...(outputFile === undefined ? {} : { stdout: { file: outputFile }, buffer: { stdout: false } }),
      encoding: "utf8",
      stripFinalNewline: false,
      maxBuffer: MAX_OUTPUT_BYTES,
    });
    // A command that fails early closes its input; its exit code tells more than the broken pipe.
    child.stdin.on("error", () => {});
    if (onOutput) child.stdout?.on("data", (chunk: Buffer | string) => onOutput(chunk.toString()));
    child.stdin.write(wrapped.script);
    if (Buffer.isBuffer(raw)) child.stdin.write(raw);
    else {
      raw.stream.on("error", () => child.stdin.end());
      raw.stream.pipe(child.stdin, { end: false });
    }

    let reason: string | undefined;
    let cut: NodeJS.Timeout | undefined;
    const stop = (why: string) => {
      reason ??= why;
      child.stdin.end();
      cut ??= setTimeout(() => child.kill("SIGTERM"), STOP_MS);
    };
    const onAbort = () => stop("it was cancelled");
    signal?.addEventListener("abort", onAbort, { once: true });
    const timer = setTimeout(() => stop(`it did not end within ${timeoutMs / 1000} s`), timeoutMs);
    const result = await child.finally(() => {
      clearTimeout(timer);
      clearTimeout(cut);
      signal?.removeEventListener("abort", onAbort);
      if (!Buffer.isBuffer(raw)) raw.stream.destroy();
    });

    if (reason !== undefined) throw this.#stopped(step, reason);
    if (result.exitCode === undefined || result.exitCode === 255) {
      // Without an exit code ssh itself did not start; the message of a 255 would only repeat our whole command line.
      const said = result.stderr || (result.exitCode === undefined ? (result.shortMessage ?? "") : "");
      throw new TandemError(sshFailure(this.target, said));
    }
    return { code: result.exitCode, stdout: result.stdout ?? "", stderr: result.stderr };
  }

  #stopped(step: string | undefined, why: string): TandemError {
    const cancelled = why.includes("cancelled");
    return new TandemError({
      code: cancelled ? "E_CANCELLED" : "E_REMOTE_TIMEOUT",
      what: `${this.target.name}: ${step ?? "a command"} was stopped`,
      why,
      fix: `${cancelled ? "" : `look at the server (ssh ${describeTarget(this.target)}), then `}run \`${this.resume}\` to go on from here`,
    });
  }
}

/** A server to work on; connects at the first command. Share one per server: it holds the connection. */
export function openRemote(target: SshTarget, { resume = "tandem up" }: { resume?: string } = {}): Remote {
  return new Remote(target, resume);
}

/** A file as the input of a script. */
export function fileInput(path: string, bytes: number, onChunk?: (bytes: number) => void): RunOptions["input"] {
  const stream = createReadStream(path, { highWaterMark: 1024 * 1024 });
  if (onChunk) stream.on("data", (chunk) => onChunk(chunk.length));
  return { stream, bytes };
}
