import { imageRung, podsRung } from "../../failover/readiness/engine-rungs.ts";
import {
  type EngineInfo,
  type GroupFacts,
  type ReadinessFacts,
  type Verdict,
  worst,
} from "../../failover/readiness/facts.ts";
import type { RungName } from "../../failover/readiness/ladder.ts";
import type { ReadinessRules } from "../../failover/readiness/rules.ts";
import { clocksRung, gpusRung, linksRung, ranksRung, serversRung } from "../../failover/readiness/server-rungs.ts";
import { kernelsRung, roomRung, weightsRung } from "../../failover/readiness/storage-rungs.ts";
import type { HealthRules } from "../../health/rules.ts";

/** The rungs that evidence and Kubernetes tell, without asking an engine anything. */
export function knownRungs(
  { active, atMs }: ReadinessFacts,
  standby: GroupFacts,
  engines: { standby: EngineInfo | null; active: EngineInfo | null },
  health: HealthRules,
  rules: ReadinessRules,
): [RungName, Verdict][] {
  return [
    ["servers", serversRung(standby, atMs, health, rules)],
    ["gpus", gpusRung(standby, atMs, health)],
    ["links", linksRung(standby, active, atMs, health)],
    ["pods", worst([podsRung(standby), ranksRung(standby, atMs, health)])],
    ["image", imageRung(standby, active)],
    ["weights", weightsRung(standby, active)],
    ["kernels", kernelsRung(standby, active, rules)],
    ["room", roomRung(standby, engines, rules)],
    ["clocks", clocksRung(standby, rules)],
  ];
}
