import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import type { ServerView } from "../failover/choose/view.ts";
import type { Traffic } from "./traffic.ts";

/** What is read at each scrape. */
export interface GatewayState {
  /** Null while no group can be used. */
  active: string | null;
  choice: (typeof CHOICES)[number];
  epoch: number;
  suspect: Record<string, boolean>;
  servers: readonly (ServerView & { silentMs: number })[];
  /** See `tandem_gateway_unread_tokens`. */
  unreadTokens: number;
  /** Time in all for which this process itself stood still. */
  heldUpMs: number;
}

const CHOICES = ["use", "hold", "shed"] as const;

/** Prometheus metrics of one gateway; docs/metrics.md lists them. */
export class GatewayMetrics {
  readonly registry = new Registry();
  readonly requests: Counter<"outcome">;
  readonly refusals: Counter<"status">;
  readonly failovers: Counter<"from" | "to">;
  readonly cacheWarmings: Counter<"outcome">;
  readonly continued: Histogram;
  readonly firstToken: Histogram;

  constructor(traffic: () => Traffic, state: () => GatewayState) {
    const registers = [this.registry];
    // Its default measures the event loop by waking the process up a hundred times a second, most of what an idle one took.
    collectDefaultMetrics({ register: this.registry, eventLoopMonitoringPrecision: 200 });
    this.requests = new Counter({
      name: "tandem_gateway_requests_total",
      help: "Requests by outcome.",
      labelNames: ["outcome"],
      registers,
    });
    this.refusals = new Counter({
      name: "tandem_gateway_refusals_total",
      help: "Requests refused before anything was done for them, by status.",
      labelNames: ["status"],
      registers,
    });
    this.failovers = new Counter({
      name: "tandem_gateway_failovers_total",
      help: "Unplanned moves of traffic.",
      labelNames: ["from", "to"],
      registers,
    });
    this.cacheWarmings = new Counter({
      name: "tandem_gateway_cache_warmings_total",
      help: "Requests that had the standby read a running answer, by outcome.",
      labelNames: ["outcome"],
      registers,
    });
    this.continued = new Histogram({
      name: "tandem_gateway_stream_gap_seconds",
      help: "Time without a token of a stream that was carried on.",
      buckets: [0.1, 0.25, 0.5, 0.75, 1, 1.5, 2, 3, 5, 8, 15, 30],
      registers,
    });
    this.firstToken = new Histogram({
      name: "tandem_gateway_first_token_seconds",
      help: "Time from a request to its first token, failovers included.",
      buckets: [0.1, 0.25, 0.5, 1, 2, 5, 10, 20, 60, 120],
      registers,
    });
    new Gauge({
      name: "tandem_gateway_active_requests",
      help: "Requests in the hands of this gateway.",
      registers,
      collect() {
        this.set(traffic().riders.size);
      },
    });
    new Gauge({
      name: "tandem_gateway_waiting_requests",
      help: "Requests that wait for a group.",
      labelNames: ["kind"],
      registers,
      collect() {
        for (const [kind, count] of Object.entries(traffic().dispatcher.waiting)) this.set({ kind }, count);
      },
    });
    new Gauge({
      name: "tandem_gateway_unread_tokens",
      help: "Tokens of running answers that the standby would have to read if it took over now.",
      registers,
      collect() {
        this.set(state().unreadTokens);
      },
    });
    new Gauge({
      name: "tandem_gateway_group_suspect",
      help: "1 if the gateway would leave the group.",
      labelNames: ["group"],
      registers,
      collect() {
        for (const [group, suspect] of Object.entries(state().suspect)) this.set({ group }, suspect ? 1 : 0);
      },
    });
    new Gauge({
      name: "tandem_gateway_group_active",
      help: "1 for the group that requests go to.",
      labelNames: ["group"],
      registers,
      collect() {
        const { active, suspect } = state();
        for (const group of Object.keys(suspect)) this.set({ group }, group === active ? 1 : 0);
      },
    });
    new Gauge({
      name: "tandem_gateway_epoch",
      help: "Highest epoch acted on.",
      registers,
      collect() {
        this.set(state().epoch);
      },
    });
    new Gauge({
      name: "tandem_gateway_choice",
      help: "1 for what is done with requests now: used, held, or shed.",
      labelNames: ["kind"],
      registers,
      collect() {
        for (const kind of CHOICES) this.set({ kind }, kind === state().choice ? 1 : 0);
      },
    });
    new Gauge({
      name: "tandem_gateway_server_silence_seconds",
      help: "Time since the agent of a server was heard; no series for one that never was.",
      labelNames: ["server"],
      registers,
      collect() {
        for (const { id, stream, silentMs } of state().servers)
          if (stream !== "never") this.set({ server: id }, silentMs / 1000);
      },
    });
    new Gauge({
      name: "tandem_gateway_agent_stream_open",
      help: "1 while the stream of a server's agent is open.",
      labelNames: ["server"],
      registers,
      collect() {
        for (const { id, stream } of state().servers) this.set({ server: id }, stream === "open" ? 1 : 0);
      },
    });
    new Counter({
      name: "tandem_gateway_held_up_seconds_total",
      help: "Time for which this process itself stood still.",
      registers,
      collect() {
        this.reset();
        this.inc(state().heldUpMs / 1000);
      },
    });
  }
}
