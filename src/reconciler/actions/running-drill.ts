import { DRILL_STATE } from "../../manifests/drill/resource.ts";
import type { Decided } from "./hands.ts";

/** What happens while a drill runs is the drill's; one whose command was killed is none any more when its time is over. */
export function runningDrill({ knowledge: { cluster, moment } }: Decided): string | undefined {
  const running = cluster.drills.find(
    ({ metadata, spec }) =>
      spec.kind === "drill" && metadata.labels?.[DRILL_STATE] === "running" && moment.wallMs <= Date.parse(spec.until),
  );
  return running?.metadata.name;
}
