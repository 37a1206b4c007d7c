import type { ServerEvidence } from "../../health/server-evidence.ts";
import type { ModelService } from "../../manifests/model-service/resource.ts";
import { type Dashboard, dashboardOf } from "../../report/dashboard/dashboard.ts";
import { heardTokens, NO_FLOW, type TokenFlow } from "../../report/dashboard/flow.ts";
import type { DrillNote, GatewaySeen } from "../../report/dashboard/sources.ts";
import type { GatewayHeard } from "../gateways.ts";

export interface FeedParts {
  stack: string;
  /** Name of whoever shows it. */
  by: string;
  /** An Error says why there is none. */
  service(): ModelService | Error;
  /** When the API server answered last, monotonic: what it said is of then. */
  answeredMs(): number;
  evidence(): ReadonlyMap<string, ServerEvidence>;
  /** Those that are heard now. */
  gateways(): readonly GatewayHeard[];
  drills(): readonly DrillNote[];
}

/**
 * What this process knows, for people: as it changes. Any replica has it, also one that only looks on: it hears agents and
 * gateways itself, and reads what the leader writes down.
 */
export class Feed {
  readonly #parts: FeedParts;
  readonly #watchers = new Set<() => void>();
  #flow: TokenFlow = NO_FLOW;

  constructor(parts: FeedParts) {
    this.#parts = parts;
  }

  /** Calls back after every change; returns how to stop. */
  watch(onChange: () => void): () => void {
    this.#watchers.add(onChange);
    return () => this.#watchers.delete(onChange);
  }

  /** Whether anybody looks at this moment. */
  get isWatched(): boolean {
    return this.#watchers.size > 0;
  }

  changed(): void {
    for (const watcher of this.#watchers) watcher();
  }

  /** Every answer of a gateway counts tokens. */
  heard({ url, said, heardMs }: GatewayHeard): void {
    const tokens = Object.fromEntries(Object.entries(said.groups).map(([id, group]) => [id, group.tokens]));
    this.#flow = heardTokens(this.#flow, url, tokens, heardMs);
    this.changed();
  }

  dashboard(): Dashboard {
    const { stack, by, service, answeredMs, evidence, gateways, drills } = this.#parts;
    const known = service();
    const monoMs = performance.now();
    const heard = new Map(gateways().map((gateway) => [gateway.url, gateway]));
    const urls = known instanceof Error ? [...heard.keys()] : known.spec.gateways;
    return dashboardOf({
      stack,
      by,
      wallMs: Date.now(),
      monoMs,
      service: known,
      apiAgoMs: monoMs - answeredMs(),
      gateways: Object.fromEntries(urls.map((url) => [url, seenOf(heard.get(url), monoMs)])),
      evidence: evidence(),
      flow: this.#flow,
      drills: drills(),
    });
  }
}

function seenOf(heard: GatewayHeard | undefined, monoMs: number): GatewaySeen | null {
  if (heard === undefined) return null;
  const { said, heardMs } = heard;
  return { answer: said, agoMs: Math.round(monoMs - heardMs) };
}
