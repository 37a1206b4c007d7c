import { type Problem, problem } from "../spec/problem.ts";
import type { ClusterSpec } from "../spec/schema.ts";
import { architectureOf, modelOf } from "./catalogue.ts";
import { fleetOf } from "./layouts/fleet.ts";
import { whatWorks } from "./layouts/what-works.ts";
import { thousands } from "./thousands.ts";

/** Reasons to refuse a spec that do not depend on the layout: groups of unlike servers, context, served name. */
export function specProblems(spec: ClusterSpec): Problem[] {
  return [...groupProblems(spec), ...modelProblems(spec)];
}

function groupProblems(spec: ClusterSpec): Problem[] {
  return Object.entries(spec.groups).flatMap(([id, members]) => {
    const servers = members.flatMap((name) => {
      const server = spec.servers[name];
      return server === undefined ? [] : [{ name, ...server }];
    });
    const path = ["groups", id];
    const problems: Problem[] = [];
    const counts = [...new Set(servers.map(({ gpus }) => gpus))];
    if (counts.length > 1) {
      const total = servers.reduce((sum, { gpus }) => sum + gpus, 0);
      const most = Math.max(...counts);
      const whole = servers.filter(({ gpus }) => gpus === most);
      // The largest equal part of the group, alone: what could be done with the hardware that is there.
      const alone = whatWorks(spec, { ...fleetOf(spec), servers: whole.length, gpusPerServer: most });
      problems.push(
        problem("E_PLAN_UNEQUAL_SERVERS", path, {
          what: `group ${id} mixes servers of ${counts.join(" and ")} GPUs (${servers.map(({ name, gpus }) => `${name} ${gpus}`).join(", ")})`,
          why: `every server of an engine starts the same number of ranks${128 % total === 0 ? "" : `, and ${total} ranks do not divide the 128 attention heads`}`,
          fix: `use servers of ${most} GPUs throughout; or ${whole.map(({ name }) => name).join(", ")} alone: ${alone.length > 0 ? alone.join("; or ") : "nothing fits"}`,
        }),
      );
    }
    const kinds = [...new Set(servers.map(({ gpu }) => gpu))];
    if (kinds.length > 1) {
      problems.push(
        problem("E_PLAN_MIXED_GPUS", path, {
          what: `group ${id} mixes ${kinds.join(" and ")}`,
          why: "the ranks of one engine run in step: the smallest memory and the slowest GPU decide for all",
          fix: "put servers with one kind of GPU into a group",
        }),
      );
    }
    return problems;
  });
}

function modelProblems(spec: ClusterSpec): Problem[] {
  const problems: Problem[] = [];
  const longest = architectureOf(modelOf(spec.model.preset)).maxContextLength;
  if (spec.model.contextLength > longest) {
    problems.push(
      problem("E_PLAN_CONTEXT", ["model", "contextLength"], {
        what: `contextLength ${thousands(spec.model.contextLength)} is longer than the model's ${thousands(longest)}`,
        why: "the checkpoint was trained and its rotary scaling set for no more; SGLang refuses it [ctx_over_model]",
        fix: `use ${longest} or less`,
      }),
    );
  }
  if (spec.model.servedName?.startsWith("-")) {
    problems.push(
      problem("E_PLAN_SERVED_NAME", ["model", "servedName"], {
        what: `servedName ${JSON.stringify(spec.model.servedName)} begins with a dash`,
        why: "SGLang's command line takes it for a flag",
        fix: "use a name that begins with a letter, e.g. deepseek-v3",
      }),
    );
  }
  if (spec.model.servedName?.includes(":")) {
    problems.push(
      problem("E_PLAN_SERVED_NAME", ["model", "servedName"], {
        what: `servedName ${JSON.stringify(spec.model.servedName)} has a colon`,
        why: "SGLang reads what follows a colon as the name of an adapter and refuses it [served_name]",
        fix: "use a name without a colon, e.g. deepseek-v3",
      }),
    );
  }
  return problems;
}
