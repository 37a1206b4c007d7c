import { setTimeout as sleep } from "node:timers/promises";
import { initialState } from "../tokens.ts";
import { newRid } from "./generation.ts";
import type { Scheduler } from "./scheduler.ts";
import type { EngineSettings } from "./settings.ts";

const POLL_MS = 1000;

/** The serving status of rank 0 (tokenizer_manager's ServerStatus) and the probes that move it. */
export class ServingState {
  status: "Starting" | "Up" | "UnHealthy" = "Starting";
  /** SIGTERM was received. */
  draining = false;
  readonly startedAt = Date.now() / 1000;
  readonly #settings: EngineSettings;
  readonly #scheduler: Scheduler;

  constructor(settings: EngineSettings, scheduler: Scheduler) {
    this.#settings = settings;
    this.#scheduler = scheduler;
  }

  /** As fresh as the last /health call: nothing else moves the status. */
  get healthy(): boolean {
    return this.status === "Up" && !this.draining;
  }

  get ready(): boolean {
    return this.healthy && !this.#scheduler.paused;
  }

  /** The status code of `/health` and `/health_generate` (http_server.py:721): one token generated, looked for each second. */
  async health(path: string): Promise<200 | 503> {
    if (this.draining || this.status === "Starting") return 503;
    if (!this.#settings.env.healthGenerates && path === "/health") return 200;
    const began = performance.now();
    this.#scheduler.submit(probe());
    while (performance.now() - began < this.#settings.env.healthTimeoutMs) {
      await sleep(POLL_MS);
      if (this.#scheduler.lastOutputAt > began) {
        this.status = "Up";
        return 200;
      }
    }
    console.error(
      `Health check failed. Server couldn't get a response from detokenizer for last ${this.#settings.env.healthTimeoutMs / 1000} seconds.`,
    );
    this.status = "UnHealthy";
    return 503;
  }
}

function probe() {
  const shape = { tag: "0000", reasoning: null, opensThink: false, answer: 1 };
  return {
    rid: `HEALTH_CHECK_${newRid()}`,
    promptIds: [0],
    shape,
    state: initialState(shape),
    maxNewTokens: 1,
    stop: [],
    ignoreEos: false,
    priority: 0,
    message: "",
    probe: true,
    dpRank: null,
    emit: () => {},
  };
}
