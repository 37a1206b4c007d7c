import { Counter, Gauge, Histogram, Registry } from "prom-client";
import type { Traffic } from "./traffic.ts";

/** Prometheus metrics of one gateway. */
export class GatewayMetrics {
  readonly registry = new Registry();
  readonly requests: Counter<"outcome">;
  readonly refusals: Counter<"status">;
  readonly failovers: Counter<"from" | "to">;
  readonly continued: Histogram;

  constructor(
    traffic: () => Traffic,
    state: () => { active: string | null; epoch: number; suspect: Record<string, boolean> },
  ) {
    const registers = [this.registry];
    this.requests = new Counter({
      name: "tandem_gateway_requests_total",
      help: "Requests by outcome.",
      labelNames: ["outcome"],
      registers,
    });
    this.refusals = new Counter({
      name: "tandem_gateway_refusals_total",
      help: "Requests refused by the gateway itself, by status.",
      labelNames: ["status"],
      registers,
    });
    this.failovers = new Counter({
      name: "tandem_gateway_failovers_total",
      help: "Unplanned moves of traffic.",
      labelNames: ["from", "to"],
      registers,
    });
    this.continued = new Histogram({
      name: "tandem_gateway_stream_gap_seconds",
      help: "Time without a token of a stream that was carried on.",
      buckets: [0.1, 0.25, 0.5, 0.75, 1, 1.5, 2, 3, 5, 8, 15, 30],
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
  }
}
