import type { DrillMoment } from "../../report/drill.ts";
import { monotonicMs } from "../clock.ts";

/** What happened, for those who watch now and for the record. */
export class Story {
  readonly timeline: DrillMoment[] = [];
  readonly #startedMs: number;
  readonly #tell: (moment: DrillMoment) => void;
  #faultMs = Number.NaN;

  constructor(startedMs: number, tell: (moment: DrillMoment) => void = () => {}) {
    this.#startedMs = startedMs;
    this.#tell = tell;
  }

  fault(atMs: number, text: string, detail: string): void {
    this.#faultMs = atMs;
    this.#add(atMs, text, detail);
  }

  say(text: string, detail?: string): void {
    this.#add(monotonicMs(), text, detail);
  }

  /** With the seconds since the fault in the sentence: what people want to read out. */
  sayAfter(text: string, detail?: string, atMs = monotonicMs()): void {
    this.#add(atMs, `${text}, ${((atMs - this.#faultMs) / 1000).toFixed(2)} s after the fault`, detail);
  }

  #add(atMs: number, text: string, detail?: string): void {
    const more = detail === undefined ? {} : { detail };
    if (!Number.isNaN(this.#faultMs)) this.timeline.push({ seconds: (atMs - this.#faultMs) / 1000, text, ...more });
    this.#tell({ seconds: (atMs - this.#startedMs) / 1000, text, ...more });
  }
}
