import { Agent, request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";

export interface LoadOptions {
  streams: number;
  /** Of each answer. */
  tokens: number;
  /** The streams are opened one after another over this time. */
  overMs: number;
  /** All streams run, and none is being opened or ends: what it costs and how late tokens come is measured from here on. */
  onSteady?(): void;
  /** The first of them ended. */
  onSteadyEnd?(): void;
}

export interface Load {
  /** Milliseconds from the engine's write to the client's read, of every token from `onSteady` to `onSteadyEnd`, sorted. */
  steadyMs: number[];
  /** Likewise of all tokens. */
  latenciesMs: number[];
  /** Streams that did not bring all their tokens. */
  short: number;
}

/** After the last stream was opened: its first token has come, and what opening left in queues is gone. */
const SETTLE_MS = 500;

/** Opens streams and reads them to their ends. */
export async function load(url: string, key: string, options: LoadOptions): Promise<Load> {
  const { streams, tokens, overMs, onSteady, onSteadyEnd } = options;
  const latenciesMs: number[] = [];
  const steadyMs: number[] = [];
  let phase = "opening" as "opening" | "steady" | "ending";
  const agent = new Agent({ keepAlive: false, maxSockets: Number.POSITIVE_INFINITY });
  const body = JSON.stringify({
    model: "deepseek-v3",
    stream: true,
    max_tokens: tokens,
    messages: [{ role: "user", content: "x" }],
  });
  const ended = () => {
    if (phase === "steady") onSteadyEnd?.();
    phase = "ending";
  };
  const one = () =>
    new Promise<number>((resolve) => {
      let got = 0;
      const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
      const call = request(`${url}/v1/chat/completions`, { method: "POST", agent, headers }, (response) => {
        response.on("data", (chunk: Buffer) => {
          const now = process.hrtime.bigint();
          const text = chunk.toString("latin1");
          for (let at = text.indexOf('"@'); at >= 0; at = text.indexOf('"@', at + 2)) {
            const ms = Number(now - BigInt(text.slice(at + 2, text.indexOf(" ", at)))) / 1e6;
            latenciesMs.push(ms);
            if (phase === "steady") steadyMs.push(ms);
            got += 1;
          }
          if (got >= tokens) ended();
        });
        response.on("close", () => resolve(got));
      });
      call.on("error", () => resolve(got));
      call.end(body);
    });
  const all: Promise<number>[] = [];
  for (let at = 0; at < streams; at++) {
    all.push(one());
    await sleep(overMs / streams);
  }
  if (onSteady !== undefined) {
    await sleep(SETTLE_MS);
    if (phase !== "opening") throw new Error(`answers of ${tokens} tokens end before ${streams} streams are open`);
    phase = "steady";
    onSteady();
  }
  const counts = await Promise.all(all);
  const sorted = (list: number[]) => list.sort((a, b) => a - b);
  return {
    steadyMs: sorted(steadyMs),
    latenciesMs: sorted(latenciesMs),
    short: counts.filter((count) => count !== tokens).length,
  };
}

export function quantile(sorted: readonly number[], q: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? Number.NaN;
}
