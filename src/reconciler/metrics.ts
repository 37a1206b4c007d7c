import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import type { Decision } from "../failover/decision.ts";
import { isIntact } from "../failover/intact.ts";
import type { Observed } from "../failover/observed.ts";

/** What the reconciler tells Prometheus; docs/metrics.md lists it. */
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
  readonly leader = this.#gauge("leader", "1 while this replica holds the lease.");
  readonly #paused = this.#gauge("paused", "1 while a person has stopped the automation.");
  readonly #epoch = this.#gauge("epoch", "Number of the present assignment.");
  readonly #intact = this.#gauge("groups_intact", "Groups that serve and against which nothing is known.");
  readonly #active = this.#gauge("group_active", "1 for the group that serves.", ["group"]);
  readonly #takeover = this.#gauge("takeover_ready", "1 for a standby that a failover could go to now.", ["group"]);
  readonly #verdict = this.#gauge("server_verdict", "1 for the present verdict on a server.", ["server", "state"]);
  readonly #quarantined = this.#gauge("server_quarantined", "1 for a server taken out of service.", ["server"]);
  readonly #fenced = this.#gauge("server_fenced", "1 for a server that is proven unable to act.", ["server"]);
  readonly #decision = this.#gauge("decision", "1 for the last decision.", ["kind", "reason"]);
  readonly #age = this.#gauge("snapshot_age_seconds", "Age of what the last pass knew of the cluster.");

  constructor() {
    // Its default measures the event loop by waking the process up a hundred times a second, most of what an idle one took.
    collectDefaultMetrics({ register: this.registry, eventLoopMonitoringPrecision: 200 });
  }

  /** Takes what one pass saw and decided; what is gone has no series any more. */
  see(seen: Observed, decision: Decision): void {
    this.decisions.inc({ kind: decision.kind, reason: decision.reason });
    this.#paused.set(seen.paused === null ? 0 : 1);
    this.#epoch.set(seen.epoch);
    this.#intact.set(seen.groups.filter(isIntact).length);
    this.#age.set(Math.max(0, seen.atMs - seen.snapshotAtMs) / 1000);
    for (const gauge of [this.#active, this.#takeover, this.#verdict, this.#quarantined, this.#fenced, this.#decision])
      gauge.reset();
    this.#decision.set({ kind: decision.kind, reason: decision.reason }, 1);
    for (const { id, takeover } of seen.groups) {
      this.#active.set({ group: id }, id === seen.active ? 1 : 0);
      if (id !== seen.active) this.#takeover.set({ group: id }, takeover.ready ? 1 : 0);
    }
    for (const { name, verdict, quarantine, fence } of seen.servers) {
      for (const state of VERDICTS) this.#verdict.set({ server: name, state }, state === verdict.state ? 1 : 0);
      this.#quarantined.set({ server: name }, quarantine === null ? 0 : 1);
      // Who serves need not be fenced: only of a server that was taken out is it a question.
      if (quarantine !== null) this.#fenced.set({ server: name }, fence.fenced ? 1 : 0);
    }
  }

  #gauge<Label extends string = never>(name: string, help: string, labelNames: readonly Label[] = []): Gauge<Label> {
    return new Gauge({
      name: `tandem_reconciler_${name}`,
      help,
      labelNames: [...labelNames],
      registers: [this.registry],
    });
  }
}

const VERDICTS = ["healthy", "suspect", "blind"] as const;
