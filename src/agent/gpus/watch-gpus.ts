import { monitorState } from "../monitor-state.ts";
import type { Emit, Source } from "../source.ts";
import { APP_FIELDS, GPU_FIELDS, gpuSamples, parseRows, ROW_FIELDS, unknownField } from "./parse-smi.ts";
import { runHelper } from "./run-helper.ts";

export interface WatchGpusOptions {
  /** `nvidia-smi`, or the words that run it in the server's own file system. */
  command: readonly string[];
  /** GPUs that this server has; fewer is a lost GPU. */
  expected: number;
  everyMs: number;
  timeoutMs: number;
  emit: Emit;
}

type Rows = Record<string, string>[];

/** Asks `nvidia-smi` at intervals, one at a time. One that does not answer is itself a signal. */
export function watchGpus({ command, expected, everyMs, timeoutMs, emit }: WatchGpusOptions): Source {
  const tell = monitorState(emit, "nvidia-smi");
  let fields: string[] = [...GPU_FIELDS];
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;

  /** null when there is no answer; what was wrong has been told. */
  const ask = async (query: string, wanted: readonly string[]): Promise<Rows | null> => {
    const args = [`--query-${query}=${wanted.join(",")}`, "--format=csv,noheader,nounits"];
    const result = await runHelper([...command, ...args], timeoutMs);
    if (stopped) return null;
    if (result.kind === "done") {
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
    }
    if (result.kind === "failed") {
      tell("failed", result.why);
      return null;
    }
    tell("hung", `no answer in ${timeoutMs} ms`);
    // As long as it is there another one would only hang beside it.
    await result.gone;
    return null;
  };

  const look = async (): Promise<void> => {
    const gpus = await ask("gpu", fields);
    if (gpus !== null) {
      // Details that are missing leave nulls; what counts is known.
      const rows = (await ask("remapped-rows", ROW_FIELDS)) ?? [];
      const apps = (await ask("compute-apps", APP_FIELDS)) ?? [];
      if (stopped) return;
      const samples = gpuSamples(gpus, rows, apps);
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

function firstLine(text: string): string {
  return text.trim().split("\n")[0]?.slice(0, 200) ?? "";
}
