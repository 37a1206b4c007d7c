import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync } from "node:fs";
import { rm } from "node:fs/promises";
import { createConnection } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { compiledDir } from "../../src/machines/home.ts";
import { freePort } from "../support/free-port.ts";

const ENTRY = new URL("../../src/emulator/engine/python3.ts", import.meta.url).pathname;
/** Some hundred engines and agents start in the tests; compiled code makes each a third. */
const FLUSH = new URL("../../src/drill/world/flush-compile-cache.ts", import.meta.url).pathname;
export const MODULE = ["-m", "sglang.launch_server"];

/** Fast settings: what is tested is order and shape, and times only where a test sets its own. */
const FAST = {
  EMULATOR_LOAD_SECONDS: "0",
  EMULATOR_DECODE_STEP_MS: "1",
  EMULATOR_DECODE_TOKENS_PER_SECOND: "100000",
  EMULATOR_PREFILL_TOKENS_PER_SECOND: "1000000",
  EMULATOR_MAX_TOTAL_TOKENS: "400000",
  SGLANG_PYSPY_DUMP_BEFORE_CRASH: "0",
  SGLANG_CUDA_COREDUMP_BEFORE_CRASH: "0",
};

/** A test that fails half-way, or a hook that is cut, must not leave engines behind. */
const running = new Set<ServerProcess>();
process.on("exit", () => {
  for (const server of running) server.kill();
});

export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

/** One emulated server as a process of its own group, with everything it printed. */
export class ServerProcess {
  readonly child: ChildProcess;
  readonly exited: Promise<Exit>;
  readonly url: string;
  readonly socket: string;
  output = "";
  readonly #folder: string;

  constructor(argv: readonly string[], env: Record<string, string> = {}, url = "") {
    this.#folder = mkdtempSync(join(tmpdir(), "emulator-test-"));
    this.socket = join(this.#folder, "engine.sock");
    this.url = url;
    this.child = spawn(process.execPath, ["--import", FLUSH, ENTRY, ...argv], {
      // A group of its own: an engine may kill its process group.
      detached: true,
      stdio: ["pipe", "pipe", "pipe"],
      env: {
        PATH: process.env.PATH,
        NODE_COMPILE_CACHE: compiledDir(),
        ...FAST,
        EMULATOR_LIFELINE: "stdin",
        EMULATOR_CONTROL_SOCKET: this.socket,
        ...env,
      },
    });
    this.child.stdin?.on("error", () => {});
    running.add(this);
    for (const stream of [this.child.stdout, this.child.stderr])
      stream?.setEncoding("utf8").on("data", (text: string) => {
        this.output += text;
        this.child.emit("output");
      });
    this.exited = once(this.child, "close").then(([code, signal]) => {
      running.delete(this);
      return { code, signal };
    });
  }

  /** Resolves when `text` was printed; rejects when the process ends without it. */
  async printed(text: string): Promise<void> {
    let over = false;
    void this.exited.then(() => {
      over = true;
      this.child.emit("output");
    });
    while (!this.output.includes(text)) {
      if (over) throw new Error(`ended without printing ${JSON.stringify(text)}:\n${this.output}`);
      await once(this.child, "output");
    }
  }

  /** Gives one order to the control socket and returns its answer. */
  async order(order: object): Promise<Record<string, unknown>> {
    const socket = createConnection(this.socket);
    socket.setEncoding("utf8").write(`${JSON.stringify(order)}\n`);
    let answer = "";
    while (!answer.includes("\n")) answer += (await once(socket, "data"))[0];
    socket.destroy();
    return JSON.parse(answer) as Record<string, unknown>;
  }

  async rankPids(): Promise<number[]> {
    const { ranks } = (await this.order({ status: true })) as { ranks: { pid: number }[] };
    return ranks.map(({ pid }) => pid);
  }

  async post(
    path: string,
    body: unknown,
    headers: Record<string, string> = {},
    signal?: AbortSignal,
  ): Promise<Response> {
    return fetch(this.url + path, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify(body),
      ...(signal === undefined ? {} : { signal }),
    });
  }

  /** All of its processes, also those that are stopped. */
  kill(): void {
    try {
      process.kill(-(this.child.pid ?? 0), "SIGKILL");
    } catch {}
  }

  async stop(): Promise<void> {
    this.kill();
    await this.exited;
    await rm(this.#folder, { recursive: true, force: true });
  }
}

export interface GroupOptions {
  flags?: readonly string[];
  env?: Record<string, string>;
  nnodes?: number;
  tp?: number;
}

/** Starts a group: rank 0's server on 127.0.0.1, the next on 127.0.0.2, and so on, all with the same ports. */
export async function startGroup({
  flags = [],
  env = {},
  nnodes = 2,
  tp = 4,
}: GroupOptions = {}): Promise<ServerProcess[]> {
  const [http, dist] = [await freePort(), await freePort()];
  const servers = Array.from({ length: nnodes }, (_, rank) => {
    const host = `127.0.0.${rank + 1}`;
    const argv = [
      ...MODULE,
      "--model-path",
      "/models/deepseek-v3",
      "--tp-size",
      String(tp),
      "--nnodes",
      String(nnodes),
    ];
    argv.push("--node-rank", String(rank), "--host", host, "--port", String(http));
    if (nnodes > 1) argv.push("--dist-init-addr", `127.0.0.1:${dist}`);
    return new ServerProcess([...argv, ...flags], env, `http://${host}:${http}`);
  });
  try {
    await servers[0]?.printed("ready to roll");
    await Promise.all(servers.slice(1).map((server) => server.printed("Dummy health check server")));
    return servers;
  } catch (error) {
    await Promise.all(servers.map((server) => server.stop()));
    throw error;
  }
}

/** The `data:` payloads of an event stream, as they came. */
export async function* events(response: Response): AsyncGenerator<string> {
  let rest = "";
  for await (const part of response.body as unknown as AsyncIterable<Uint8Array>) {
    rest += Buffer.from(part).toString("utf8");
    const frames = rest.split("\n\n");
    rest = frames.pop() ?? "";
    for (const frame of frames) yield frame.replace(/^data: /, "");
  }
}

export interface ChatChunk {
  id: string;
  choices: {
    index: number;
    delta: { content?: string; reasoning_content?: string | null; role?: string };
    finish_reason: string | null;
    matched_stop: unknown;
  }[];
  usage?: Record<string, unknown>;
  error?: { code: number; message: string };
}

/** Everything a chat stream said. */
export async function readChat(response: Response) {
  const chunks: ChatChunk[] = [];
  let done = false;
  for await (const data of events(response)) {
    if (data === "[DONE]") done = true;
    else chunks.push(JSON.parse(data) as ChatChunk);
  }
  const choices = chunks.flatMap((chunk) => chunk.choices ?? []);
  return {
    chunks,
    done,
    content: choices.map(({ delta }) => delta.content ?? "").join(""),
    reasoning: choices.map(({ delta }) => delta.reasoning_content ?? "").join(""),
    finish: choices.find(({ finish_reason }) => finish_reason !== null)?.finish_reason ?? null,
    usage: chunks.findLast(({ usage }) => usage !== undefined)?.usage,
    error: chunks.find(({ error }) => error !== undefined)?.error,
  };
}

/** A JSON body whose shape the test knows. */
// biome-ignore lint/suspicious/noExplicitAny: tests look into answers of many shapes
export const jsonOf = async (response: Response): Promise<any> => response.json();
