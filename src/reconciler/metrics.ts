import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";

/** What the reconciler tells Prometheus. */
export class ReconcilerMetrics {
  readonly registry = new Registry();
  readonly decisions = new Counter({
    name: "tandem_reconciler_decisions_total",
    help: "Passes by the decision they came to.",
    labelNames: ["kind", "reason"] as const,
    registers: [this.registry],
  });
  readonly actions = new Counter({
    name: "tandem_reconciler_actions_total",
    help: "Steps by kind and outcome: done, waiting, blocked, conflict (the world moved), failed.",
    labelNames: ["action", "outcome"] as const,
    registers: [this.registry],
  });
  readonly passes = new Histogram({
    name: "tandem_reconciler_pass_seconds",
    help: "Time of one pass, reads and writes included.",
    buckets: [0.005, 0.02, 0.1, 0.5, 2, 10],
    registers: [this.registry],
  });
  readonly leader = this.#gauge("tandem_reconciler_leader", "1 while this replica holds the lease.");
  readonly epoch = this.#gauge("tandem_epoch", "Number of the present assignment.");
  readonly intact = this.#gauge("tandem_groups_intact", "Groups that serve and against which nothing is known.");
  readonly quarantined = this.#gauge("tandem_servers_in_quarantine", "Servers taken out of service.");
  readonly escalated = this.#gauge("tandem_needs_person", "1 while a person has to do something.");
  readonly takeover = this.#gauge("tandem_takeover_ready", "1 while a failover would work now.");

  constructor() {
    collectDefaultMetrics({ register: this.registry });
  }

  #gauge(name: string, help: string): Gauge {
    return new Gauge({ name, help, registers: [this.registry] });
  }
}
