import type { Evidence } from "../evidence.ts";
import type { Finding, Mark } from "../finding.ts";
import type { Flaps } from "../flaps.ts";
import type { HealthRules } from "../rules.ts";

type Link = Extract<Evidence, { kind: "link" }>;

/** A port that is down stops every collective that crosses it, once NCCL's retries are used up. */
export function linkMarks({ device, port, state }: Link, { portDownAfterMs }: HealthRules): Mark[] {
  if (state === "up") return [];
  return [
    {
      code: "ib-port-down",
      subject: `port ${device}/${port}`,
      remedy: "failover-support",
      moves: "now",
      confirmAfterMs: portDownAfterMs,
      reason: "the port is down: a cable, a transceiver or the switch, and no software cures those",
    },
  ];
}

/** A port that comes and goes: each time it is up it looks well, so the count of its downs is what tells. */
export function flapFindings(
  server: string,
  { downs, first, last }: Flaps,
  atMs: number,
  rules: HealthRules,
): Finding[] {
  if (downs < rules.flapDowns || first === null || last === null || last.evidence.kind !== "link") return [];
  if (atMs - last.arrivedMonoMs > rules.flapClearMs) return [];
  const { device, port } = last.evidence;
  return [
    {
      code: "ib-port-flapping",
      server,
      subject: `port ${device}/${port}`,
      group: null,
      remedy: "failover-support",
      moves: "planned",
      sinceMs: first.arrivedMonoMs,
      confirmed: true,
      reason: `the port went down ${downs} times`,
      rests: [first, last].map(({ agent, seq }) => ({ agent, seq })),
    },
  ];
}
