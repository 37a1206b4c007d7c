import type { Evidence } from "../evidence.ts";
import type { Finding, Mark } from "../finding.ts";
import type { RateBook } from "../rates.ts";
import type { HealthRules } from "../rules.ts";

type Engine = Extract<Evidence, { kind: "engine" }>;

/** What the engine's own endpoints say is wrong. */
export function engineMarks(engine: Engine, { noProgressAfterMs, unreachableAfterMs }: HealthRules): Mark[] {
  const { group, instance, state, tokensTotal, running, queued } = engine;
  const about = { subject: `engine of ${group}`, group, remedy: "restart-group", moves: "now" } as const;
  switch (state) {
    case "starting":
      return [];
    case "unhealthy": {
      // SGLang says so after 20 s without an answer to its own probe: there is nothing left to wait for.
      const reason = "the engine says that it is unhealthy";
      return [{ ...about, code: "engine-unhealthy", confirmAfterMs: 0, reason }];
    }
    case "unreachable": {
      const reason = "the engine's port answers nobody, though its processes live";
      return [{ ...about, code: "engine-unreachable", confirmAfterMs: unreachableAfterMs, reason }];
    }
    case "serving": {
      if (running + queued === 0) return [];
      // A run lasts while the count rests, so its first piece is the moment of the last token.
      const reason = `no token while ${running} requests run and ${queued} wait`;
      const run = `${instance} ${tokensTotal}`;
      return [{ ...about, code: "engine-no-progress", confirmAfterMs: noProgressAfterMs, reason, run, quiet: true }];
    }
  }
}

/** A group that is slower than itself: something throttles, a link was re-trained, a neighbour steals the processor. */
export function stragglerFindings(
  server: string,
  agent: string | null,
  { slow }: RateBook,
  knownUntilMs: number,
  { slowAfterMs }: HealthRules,
): Finding[] {
  if (slow === null) return [];
  return [
    {
      code: "straggler",
      server,
      subject: `engine of ${slow.group}`,
      group: slow.group,
      remedy: "watch",
      moves: "planned",
      sinceMs: slow.sinceMs,
      confirmed: knownUntilMs - slow.sinceMs >= slowAfterMs,
      reason: `${Math.round(slow.share * 100)} % of its own token rate at this batch size`,
      rests: [{ agent: agent ?? "", seq: slow.seq }],
    },
  ];
}
