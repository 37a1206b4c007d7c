import type { Draft } from "../draft.ts";
import { type Problem, problem, type SpecPath } from "../problem.ts";
import { entriesOf } from "./read.ts";

const STANDBY: SpecPath = ["failover", "standby"];

/** How many groups and spares each standby mode needs. */
export function standbyRules(spec: Draft): Problem[] {
  const standby = spec.failover?.standby;
  if (spec.groups === undefined || standby === undefined) return [];
  const ids = Object.keys(spec.groups);
  if (ids.length > 2) return [tooManyGroups(ids)];
  if (ids.length === 0) return [];
  if (standby === "hot") return ids.length === 2 ? [] : [hotNeedsTwo(ids)];
  if (ids.length === 2) return [standby === "none" ? bothActive(ids) : oneGroupOnly(standby, ids)];
  if (standby === "spare" && spec.spares !== undefined && spec.spares.length === 0) return [spareNeedsOne()];
  return standby === "degraded" ? degraded(spec) : [];
}

function tooManyGroups(ids: readonly string[]): Problem {
  return problem("E_SPEC_GROUP_COUNT", ["groups", ids[2] ?? ""], {
    what: `there are ${ids.length} groups: ${ids.join(", ")}`,
    why: "one group is active and one stands by; a third would be active too, which is not supported yet",
    fix: "keep two groups and put the other servers under spares, or into a second stack",
  });
}

function hotNeedsTwo(ids: readonly string[]): Problem {
  return problem("E_SPEC_STANDBY", STANDBY, {
    what: `failover.standby is hot and ${ids.join(", ")} is the only group`,
    why: "a hot standby is a second group with the model loaded; without it nothing can take over",
    fix: "add a second group of the same size, or set standby to spare (with a spare server), degraded or none",
  });
}

/** `none` with two groups can only mean that both serve. */
function bothActive(ids: readonly string[]): Problem {
  return problem("E_SPEC_BOTH_ACTIVE", STANDBY, {
    what: `failover.standby is none, so the groups ${ids.join(" and ")} would both be active`,
    why: "two active groups fill each other's KV cache: when one dies the other cannot carry its streams on, so the promise of a failover would be false; this is refused for now",
    fix: `set standby to hot (${ids[0]} is active, ${ids[1]} stands by), or keep one group`,
  });
}

function oneGroupOnly(standby: string, ids: readonly string[]): Problem {
  return problem("E_SPEC_STANDBY", STANDBY, {
    what: `failover.standby is ${standby} and there are two groups: ${ids.join(", ")}`,
    why: `with ${standby} the one group is repaired in place; a second loaded group is a hot standby`,
    fix: `set standby to hot, or keep one group and put the other servers under spares`,
  });
}

function spareNeedsOne(): Problem {
  return problem("E_SPEC_STANDBY", STANDBY, {
    what: "failover.standby is spare and there is no spare",
    why: "a prepared server in no group takes the place of the dead one",
    fix: "add a server and name it under spares, or set standby to none",
  });
}

function degraded(spec: Draft): Problem[] {
  const [id = "", members = []] = entriesOf(spec.groups)[0] ?? [];
  const found: Problem[] = [];
  if (members.length === 1) {
    found.push(
      problem("E_SPEC_STANDBY", STANDBY, {
        what: `failover.standby is degraded and group ${id} has one server`,
        why: "the surviving server of a group serves the 4-bit build; here none survives",
        fix: "set standby to none; to serve a 4-bit build all the time name it as model.preset",
      }),
    );
  }
  if (spec.failover?.degraded === undefined && members.length > 1) {
    found.push(
      problem("E_SPEC_STANDBY", STANDBY, {
        what: "failover.standby is degraded and failover.degraded is missing",
        why: "the surviving server needs a 4-bit build of the model on its own disk",
        fix: "add `degraded: {preset: deepseek-r1-0528-awq, weights: /models/…}` under failover",
      }),
    );
  }
  return found;
}
