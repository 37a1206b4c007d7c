import { Worker } from "node:worker_threads";
import { addTally, emptyTally, type Tally } from "./tally.ts";
import type { Batch, WorkerSetup } from "./worker.ts";

export interface PoolOptions {
  from: number;
  seeds: number;
  workers: number;
  mutant?: string | null;
  /** The file of a scenario whose faults all worlds have. */
  scenario?: string | null;
  stopAtBreach?: boolean;
  signal?: AbortSignal;
  onProgress?: (sum: Tally) => void;
}

/** Small enough for progress and for an interruption, large enough that messages cost nothing. */
const BATCH = 50;
/** A search ends with the first find; what others run by then is lost. */
const SEARCH_BATCH = 10;

/** What a world leaves behind is garbage within milliseconds: with eight times the default it is looked through an eighth as often. */
const YOUNG_MB = 384;

/** Runs seeds on several cores. An abort ends it between two batches; what was done so far is returned. */
export async function runSeeds(options: PoolOptions): Promise<Tally> {
  const { from, seeds, workers, mutant = null, scenario = null, stopAtBreach = false, signal, onProgress } = options;
  const sum = emptyTally();
  const end = from + seeds;
  let next = from;
  const isOver = () => next >= end || signal?.aborted || (stopAtBreach && sum.failures.length > 0);
  const serve = async () => {
    if (isOver()) return;
    const setup: WorkerSetup = { mutant, scenario };
    const worker = new Worker(new URL("./worker.ts", import.meta.url), {
      workerData: setup,
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB },
    });
    try {
      while (!isOver()) {
        const batch: Batch = {
          from: next,
          count: Math.min(stopAtBreach ? SEARCH_BATCH : BATCH, end - next),
          stopAtBreach,
        };
        next += batch.count;
        addTally(sum, await ask(worker, batch));
        onProgress?.(sum);
      }
    } finally {
      await worker.terminate();
    }
  };
  await Promise.all(Array.from({ length: workers }, serve));
  sum.failures.sort((a, b) => a.seed - b.seed);
  return sum;
}

function ask(worker: Worker, batch: Batch): Promise<Tally> {
  return new Promise((resolve, reject) => {
    const onMessage = (tally: Tally) => settle(() => resolve(tally));
    const onError = (error: Error) => settle(() => reject(error));
    const onExit = (code: number) => settle(() => reject(new Error(`a worker ended with ${code}`)));
    const settle = (then: () => void) => {
      worker.off("message", onMessage).off("error", onError).off("exit", onExit);
      then();
    };
    worker.on("message", onMessage).on("error", onError).on("exit", onExit);
    worker.postMessage(batch);
  });
}
