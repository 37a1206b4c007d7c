import { hearBeat, hearEvidence, hearHello } from "../health/hear.ts";
import { DEFAULT_HEALTH_RULES, type HealthRules } from "../health/rules.ts";
import type { ServerEvidence } from "../health/server-evidence.ts";
import type { Frame } from "./frames.ts";

/** Takes one frame of an agent's stream into what is known of its server. Any frame shows that the server lives. */
export function hearFrame(
  known: ServerEvidence,
  frame: Frame,
  arrivedMonoMs: number,
  rules: HealthRules = DEFAULT_HEALTH_RULES,
): ServerEvidence {
  switch (frame.type) {
    case "hello":
      return hearHello(known, frame, arrivedMonoMs);
    case "beat":
      return hearBeat(known, frame, arrivedMonoMs);
    case "evidence":
      return hearEvidence(known, frame, arrivedMonoMs, rules);
  }
}
