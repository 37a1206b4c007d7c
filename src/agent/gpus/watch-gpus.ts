import type { GpuSample } from "../../health/evidence.ts";
import { monitorState } from "../monitor-state.ts";
import type { Emit, Source } from "../source.ts";
import { Nvlinks, parseNvlinks } from "./nvlinks.ts";
import { APP_FIELDS, GPU_FIELDS, gpuSamples, parseRows, ROW_FIELDS, unknownField } from "./parse-smi.ts";
import { runHelper } from "./run-helper.ts";

export interface WatchGpusOptions {
  /** `nvidia-smi`, or the words that run it in the server's own file system. */
  command: readonly string[];
  /** GPUs that this server has; fewer is a lost GPU. */
  expected: number;
  everyMs: number;
  timeoutMs: number;
  /** How often the NVLinks are asked for, which change rarely and are told by the kernel log first. */
  linksEveryMs?: number;
  emit: Emit;
}

type Rows = Record<string, string>[];

/**
 * Of so many looks one asks for remapped rows: they change with an XID, which the kernel log tells. Each does unless all are known
 * to be well.
 */
const ROWS_EVERY = 3;

/** Asks `nvidia-smi` at intervals, one at a time. One that does not answer is itself a signal. */
export function watchGpus(options: WatchGpusOptions): Source {
  const { command, expected, everyMs, timeoutMs, linksEveryMs = 30_000, emit } = options;
  const tell = monitorState(emit, "nvidia-smi");
  const links = new Nvlinks(linksEveryMs);
  let fields: string[] = [...GPU_FIELDS];
  let looks = 0;
  let rows: Rows = [];
  let samples: GpuSample[] = [];
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;

  /** null when there is no answer; what was wrong has been told. */
  const run = async (args: readonly string[]): Promise<{ code: number | null; output: string } | null> => {
    const result = await runHelper([...command, ...args], timeoutMs);
    if (stopped) return null;
    if (result.kind === "done") return result;
    if (result.kind === "failed") {
      tell("failed", result.why);
      return null;
    }
    tell("hung", `no answer in ${timeoutMs} ms`);
    // As long as it is there another one would only hang beside it.
    await result.gone;
    return null;
  };

  const ask = async (query: string, wanted: readonly string[]): Promise<Rows | null> => {
    const result = await run([`--query-${query}=${wanted.join(",")}`, "--format=csv,noheader,nounits"]);
    if (result === null) return null;
    const unknown = unknownField(result.output);
    if (unknown !== null && query === "gpu" && fields.includes(unknown)) {
      fields = fields.filter((field) => field !== unknown);
      return ask("gpu", fields);
    }
    const rows = parseRows(result.output, wanted);
    // A lost GPU makes it fail, but the others are there all the same.
    if (result.code === 0 || rows.length > 0) return rows;
    tell("failed", `exit ${result.code}: ${firstLine(result.output)}`);
    return null;
  };

  /** A driver that does not know the question leaves it open. */
  const askLinks = async (): Promise<void> => {
    if (!links.isDue(performance.now())) return;
    const result = await run(["nvlink", "--status"]);
    links.saw(parseNvlinks(result?.output ?? ""), performance.now());
  };

  const look = async (): Promise<void> => {
    const gpus = await ask("gpu", fields);
    if (gpus !== null) {
      // Details that are missing leave nulls; what counts is known.
      if (looks++ % ROWS_EVERY === 0 || !samples.every(rowsAreWell))
        rows = (await ask("remapped-rows", ROW_FIELDS)) ?? [];
      const apps = (await ask("compute-apps", APP_FIELDS)) ?? [];
      await askLinks();
      if (stopped) return;
      samples = gpuSamples(gpus, rows, apps, links.told);
      tell("working");
      emit({ kind: "gpus", expected, found: samples.length, gpus: samples });
    }
    if (!stopped) timer = setTimeout(look, everyMs);
  };
  void look();
  return {
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}

/** Rows that wait for a reset may have had it; of those that nobody told of, the next answer may tell. */
const rowsAreWell = ({ remappedRowsPending, remappedRowsFailure }: GpuSample) =>
  remappedRowsPending === false && remappedRowsFailure === false;

function firstLine(text: string): string {
  return text.trim().split("\n")[0]?.slice(0, 200) ?? "";
}
