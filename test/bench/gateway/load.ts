import { Agent, request } from "node:http";

export interface Load {
  /** Milliseconds from the engine's write to the client's read, of every token, sorted. */
  latenciesMs: number[];
  /** Streams that did not bring all their tokens. */
  short: number;
}

/** Opens `streams` streams over `overMs` and reads `tokens` of each. */
export async function load(url: string, key: string, streams: number, tokens: number, overMs: number): Promise<Load> {
  const latenciesMs: number[] = [];
  const agent = new Agent({ keepAlive: false, maxSockets: Number.POSITIVE_INFINITY });
  const body = JSON.stringify({
    model: "deepseek-v3",
    stream: true,
    max_tokens: tokens,
    messages: [{ role: "user", content: "x" }],
  });
  const one = () =>
    new Promise<number>((resolve) => {
      let got = 0;
      const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
      const call = request(`${url}/v1/chat/completions`, { method: "POST", agent, headers }, (response) => {
        response.on("data", (chunk: Buffer) => {
          const now = process.hrtime.bigint();
          const text = chunk.toString("latin1");
          for (let at = text.indexOf('"@'); at >= 0; at = text.indexOf('"@', at + 2)) {
            latenciesMs.push(Number(now - BigInt(text.slice(at + 2, text.indexOf(" ", at)))) / 1e6);
            got += 1;
          }
        });
        response.on("close", () => resolve(got));
      });
      call.on("error", () => resolve(got));
      call.end(body);
    });
  const all: Promise<number>[] = [];
  for (let at = 0; at < streams; at++) {
    all.push(one());
    await new Promise((resolve) => setTimeout(resolve, overMs / streams));
  }
  const counts = await Promise.all(all);
  return { latenciesMs: latenciesMs.sort((a, b) => a - b), short: counts.filter((count) => count !== tokens).length };
}

export function quantile(sorted: readonly number[], q: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? Number.NaN;
}
