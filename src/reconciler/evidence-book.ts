import type { Evidence } from "../health/evidence.ts";
import { hearConnection } from "../health/hear.ts";
import { readEvidence } from "../health/read-evidence.ts";
import { type ServerEvidence, unheard } from "../health/server-evidence.ts";
import type { Frame } from "../stream/frames.ts";
import { hearFrame } from "../stream/hear-frame.ts";
import type { Subscribe, Subscription } from "../stream/subscription.ts";

export interface EvidenceHooks {
  /**
   * A word that is more than a beat, or a connection that came or went. `isRoutine`: an engine serves on as it did, which it
   * says twice a second for as long as it lives, or a reading that comes every ten seconds.
   */
  onNews(server: string, isRoutine: boolean): void;
  /** Every frame, beats too. */
  onFrame?(server: string, frame: Frame): void;
}

/** Readings that are ten seconds old when they come: nothing they show is late for the next pass, a second away at most. */
const READINGS: ReadonlySet<string> = new Set<Evidence["kind"]>(["gpus", "disk", "memory", "folder"]);

type EngineWord = Extract<Evidence, { kind: "engine" }>;

/** Listens to the agents of one ModelService, and keeps what each has said. */
export class EvidenceBook {
  readonly servers = new Map<string, ServerEvidence>();
  /** When each group last wrote a token, by the word of its leader's agent. */
  readonly progressMs = new Map<string, number>();
  readonly #engines = new Map<string, EngineWord>();
  readonly #subscriptions = new Map<string, { url: string; subscription: Subscription }>();
  readonly #subscribe: Subscribe;
  readonly #token: () => string;
  readonly #hooks: EvidenceHooks;

  constructor(subscribe: Subscribe, token: () => string, hooks: EvidenceHooks) {
    this.#subscribe = subscribe;
    this.#token = token;
    this.#hooks = hooks;
  }

  /** Listens to these agents and to no others. */
  follow(agents: Readonly<Record<string, string>>): void {
    for (const [server, { url, subscription }] of this.#subscriptions) {
      if (agents[server] === url) continue;
      subscription.close();
      this.#subscriptions.delete(server);
      this.servers.delete(server);
    }
    for (const [server, url] of Object.entries(agents)) {
      if (this.#subscriptions.has(server)) continue;
      const subscription = this.#subscribe({
        server,
        url,
        token: this.#token(),
        onFrame: (frame, atMs) => this.#hear(server, frame, atMs),
        onConnection: (state, reason, atMs) => {
          this.#keep(server, (known) => hearConnection(known, state, reason, atMs));
          this.#hooks.onNews(server, false);
        },
      });
      this.#subscriptions.set(server, { url, subscription });
    }
  }

  close(): void {
    this.follow({});
  }

  #hear(server: string, frame: Frame, atMs: number): void {
    this.#hooks.onFrame?.(server, frame);
    this.#keep(server, (known) => hearFrame(known, frame, atMs));
    // Only an engine's word counts tokens; what an unknown agent says is checked before it is read.
    let isRoutine = frame.type === "evidence" && READINGS.has(frame.evidence.kind);
    if (frame.type === "evidence" && frame.evidence.kind === "engine") {
      const evidence = readEvidence(frame.evidence);
      if (evidence?.kind === "engine") isRoutine = this.#progress(evidence, atMs);
    }
    if (frame.type !== "beat") this.#hooks.onNews(server, isRoutine);
  }

  #keep(server: string, change: (known: ServerEvidence) => ServerEvidence): void {
    this.servers.set(server, change(this.servers.get(server) ?? unheard(server)));
  }

  /** Answers whether it says no more than that the same engine serves on. */
  #progress(word: EngineWord, atMs: number): boolean {
    const before = this.#engines.get(word.group);
    this.#engines.set(word.group, word);
    if (before?.instance !== word.instance) return false;
    if (word.tokensTotal > before.tokensTotal) this.progressMs.set(word.group, atMs);
    return word.state === "serving" && before.state === "serving";
  }
}
