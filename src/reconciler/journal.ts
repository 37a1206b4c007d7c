import { createHash } from "node:crypto";
import type { Logger } from "pino";
import type { Decision } from "../failover/decision.ts";
import type { KubeClient } from "../kube/client.ts";
import { MODEL_SERVICE, type ModelService } from "../manifests/model-service/resource.ts";
import type { Outcome } from "./actions/hands.ts";
import type { Observation } from "./observe/observe.ts";

const TIMEOUT_MS = 5_000;
const MAX_MESSAGE = 1_000;

export interface JournalOptions {
  client: KubeClient;
  path: string;
  namespace: string;
  log: Logger;
  identity: string;
}

/** Writes down what was decided, on what, and what came of it: an Event for people, a line of the log to replay it from. */
export class Journal {
  readonly #options: JournalOptions;
  #last = "";
  #lastWaiting = "";

  constructor(options: JournalOptions) {
    this.#options = options;
  }

  /** The digest names the inputs: two decisions with one digest were made on the same observation. */
  async acted(service: ModelService, observation: Observation, decision: Decision, outcome: Outcome): Promise<void> {
    const { log } = this.#options;
    const { observed } = observation;
    const digest = digestOf(observed);
    const line = { digest, decision, outcome, epoch: observed.epoch };
    if (outcome.kind !== "done") {
      if (this.#lastWaiting === outcome.detail) return;
      this.#lastWaiting = outcome.detail;
      return log.info(line, "not yet");
    }
    log.info({ ...line, observed }, "acted");
    await this.#event(service, "Normal", decision.reason, `${outcome.detail} (${decision.detail}; inputs ${digest})`);
  }

  /** A person is needed: said once, until something else is the case. */
  async decided(service: ModelService, observation: Observation, decision: Decision): Promise<void> {
    const { kind, reason, detail } = decision;
    const words = `${kind} ${reason} ${detail}`.replaceAll(/\d+ (ms|s)\b/g, "");
    if (words === this.#last) return;
    this.#last = words;
    const digest = digestOf(observation.observed);
    const level = kind === "escalate" ? "warn" : "info";
    this.#options.log[level]({ digest, decision }, "decided");
    if (decision.kind === "escalate") await this.#event(service, "Warning", reason, `${detail}. ${decision.fix}`);
  }

  /** An Event that is lost is lost: it must never hold up what it tells of. */
  async #event(service: ModelService, type: "Normal" | "Warning", reason: string, message: string): Promise<void> {
    const { client, path, namespace, identity, log } = this.#options;
    const now = new Date().toISOString();
    const { name, uid, resourceVersion } = service.metadata;
    try {
      await client.json({
        method: "POST",
        path,
        body: {
          apiVersion: "v1",
          kind: "Event",
          metadata: { generateName: `${name}.`, namespace },
          involvedObject: { ...MODEL_SERVICE, name, namespace, uid, resourceVersion },
          reason: camelCase(reason),
          message: message.slice(0, MAX_MESSAGE),
          type,
          source: { component: "tandem-reconciler", host: identity },
          firstTimestamp: now,
          lastTimestamp: now,
          count: 1,
        },
        timeoutMs: TIMEOUT_MS,
      });
    } catch (error) {
      log.warn({ error: String(error) }, "an event was not written");
    }
  }
}

export function digestOf(value: unknown): string {
  return createHash("sha256").update(JSON.stringify(value)).digest("hex").slice(0, 12);
}

function camelCase(words: string): string {
  return words.replaceAll(/(?:^|-)([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}
