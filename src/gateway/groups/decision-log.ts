import type { GatewayView } from "../../failover/choose/view.ts";
import type { Choice } from "../../failover/choose.ts";

/** One choice with all that it was made on: enough to make it again elsewhere. */
export interface RecordedChoice {
  /** Wall clock, milliseconds since the epoch. */
  wallMs: number;
  /** It changed where requests go, or whether they go anywhere. */
  changed: boolean;
  view: GatewayView;
  choice: Choice;
}

/** Choices are made 50 times a second; ten of them show as well how a silence grew. */
const EVERY_MS = 100;
const LATEST = 300;
/** Changes are rare, and stay for longer than the calm between them. */
const CHANGES = 64;

/** The choices of the last half minute, and the last changes whenever they were. */
export class DecisionLog {
  readonly #wallMs: () => number;
  readonly #latest: RecordedChoice[] = [];
  readonly #changes: RecordedChoice[] = [];

  constructor(wallMs: () => number = Date.now) {
    this.#wallMs = wallMs;
  }

  add(view: GatewayView, choice: Choice, changed: boolean): void {
    const last = this.#latest.at(-1);
    if (!changed && last !== undefined && view.atMs - last.view.atMs < EVERY_MS) return;
    const entry = { wallMs: this.#wallMs(), changed, view, choice };
    if (this.#latest.push(entry) > LATEST) this.#latest.shift();
    if (changed && this.#changes.push(entry) > CHANGES) this.#changes.shift();
  }

  /** In the order in which they were made, from `sinceMs` of the wall clock on. */
  since(sinceMs: number): RecordedChoice[] {
    const kept = new Set(this.#latest);
    const older = this.#changes.filter((entry) => !kept.has(entry));
    return [...older, ...this.#latest].filter(({ wallMs }) => wallMs >= sinceMs);
  }
}
