import { spawnSync } from "node:child_process";
import {
  APP_FIELDS,
  GPU_FIELDS,
  gpuSamples,
  parseRows,
  ROW_FIELDS,
  unknownField,
} from "../../../src/agent/gpus/parse-smi.ts";
import { type Measurement, median } from "../bench.ts";

const QUERIES = 20;

/** Which fields the driver knows, which it leaves without a value, and how long an answer takes. */
export function smiQueries(): Measurement[] {
  let fields: string[] = [...GPU_FIELDS];
  const ask = (query: string, wanted: readonly string[]) => {
    const began = performance.now();
    const { stdout } = spawnSync(
      "nvidia-smi",
      [`--query-${query}=${wanted.join(",")}`, "--format=csv,noheader,nounits"],
      {
        encoding: "utf8",
      },
    );
    return { text: stdout, tookMs: performance.now() - began };
  };
  for (let unknown = unknownField(ask("gpu", fields).text); unknown !== null; ) {
    process.stdout.write(`this driver does not know ${unknown}\n`);
    fields = fields.filter((field) => field !== unknown);
    unknown = unknownField(ask("gpu", fields).text);
  }
  const took = { gpu: [] as number[], "remapped-rows": [] as number[], "compute-apps": [] as number[] };
  const texts: Record<string, string> = {};
  for (let run = 0; run < QUERIES; run++) {
    for (const [query, wanted] of [
      ["gpu", fields],
      ["remapped-rows", ROW_FIELDS],
      ["compute-apps", APP_FIELDS],
    ] as const) {
      const { text, tookMs } = ask(query, wanted);
      took[query].push(tookMs);
      texts[query] = text;
    }
  }
  process.stdout.write(`${JSON.stringify(texts)}\n`);
  const samples = gpuSamples(
    parseRows(texts.gpu ?? "", fields),
    parseRows(texts["remapped-rows"] ?? "", ROW_FIELDS),
    parseRows(texts["compute-apps"] ?? "", APP_FIELDS),
  );
  process.stdout.write(`${JSON.stringify(samples)}\n`);
  const missing = samples.flatMap((sample) =>
    Object.entries(sample).flatMap(([name, value]) => (value === null && name !== "nvlinksActive" ? [name] : [])),
  );
  if (missing.length > 0) process.stdout.write(`without a value: ${[...new Set(missing)].join(", ")}\n`);
  return Object.entries(took).map(([query, times]) => ({
    what: `nvidia-smi answers --query-${query}`,
    measured: Math.max(...times),
    limit: 8_000,
    unit: "ms",
    how: `longest of ${times.length}, median ${median(times).toFixed(0)} ms`,
  }));
}
