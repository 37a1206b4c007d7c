import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { SglangFiles } from "./fetch-sglang.ts";

/** One command line with what SGLang looks up outside of it. */
export interface Case {
  id: string;
  argv: readonly string[];
  env?: Readonly<Record<string, string>>;
  /** false: argparse alone. true: SGLang also resolves and checks the arguments, as at start. */
  resolve?: boolean;
  gpuMiB?: number;
  /** CUDA compute capability; left out, that of Hopper. */
  capability?: readonly [number, number];
  quantization?: string;
  /** As in models.json: deepseek-v3, llama-70b. */
  architecture?: string;
}

export interface Verdict {
  id: string;
  /** null when SGLang takes the line. */
  error: string | null;
  /** Flags that were taken as the beginning of another. */
  unknown: string[];
  deprecated: string[];
  warnings: string[];
  resolved: Readonly<Record<string, string | number | boolean | null>> | null;
  environment: Readonly<Record<string, unknown>> | null;
}

export interface ParsedFlag {
  spellings: string[];
  type: string | null;
  choices: string[] | null;
  nargs: number | string | null;
  default: unknown;
  required: boolean;
  deprecated: boolean;
}

/** The argument code of the release in a process of its own: it is started once and judges one case after the other. */
export class SglangParser {
  /** What argparse knows, in its own order. */
  flags: ParsedFlag[] = [];
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string>;
  #stderr = "";

  private constructor(child: ChildProcessWithoutNullStreams) {
    this.#child = child;
    this.#lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-4000);
    });
    // A process that is gone is reported by the read that misses its answer.
    child.stdin.on("error", () => {});
  }

  static async start(python: string, { sglang, dependencies }: SglangFiles): Promise<SglangParser> {
    const script = new URL("sglang_parser.py", import.meta.url).pathname;
    // Isolated, without site-packages: what this machine has installed must not change a verdict.
    const child = spawn(python, ["-I", "-S", "-B", script, sglang, dependencies]);
    const parser = new SglangParser(child);
    const { flags } = (await parser.#read()) as { flags: ParsedFlag[] };
    parser.flags = flags;
    return parser;
  }

  /** Verdicts in the order of the cases. */
  async judge(cases: readonly Case[]): Promise<Verdict[]> {
    for (const one of cases) this.#child.stdin.write(`${JSON.stringify(one)}\n`);
    const verdicts: Verdict[] = [];
    for (const { id } of cases) {
      const verdict = (await this.#read()) as Verdict;
      if (verdict.id !== id) throw new Error(`asked about ${id}, answered about ${verdict.id}`);
      verdicts.push(verdict);
    }
    return verdicts;
  }

  stop(): void {
    this.#child.kill();
  }

  async #read(): Promise<unknown> {
    const { value, done } = await this.#lines.next();
    if (done) throw new Error(`SGLang's argument code ended:\n${this.#stderr}`);
    return JSON.parse(value);
  }
}
