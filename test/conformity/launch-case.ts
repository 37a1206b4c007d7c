import { renderGroups } from "../../src/manifests/render.ts";
import { gpuOf, modelOf } from "../../src/plan/catalogue.ts";
import type { ServingPlan } from "../../src/plan/serving-plan.ts";
import type { Case } from "./sglang-parser.ts";

/** CUDA compute capability, by which SGLang chooses kernels. */
const CAPABILITY = { ampere: [8, 0], hopper: [9, 0], blackwell: [10, 0] } as const;

interface Container {
  command: string[];
  args: string[];
  env: { name: string; value: string }[];
}

/**
 * The command lines of a stack as containers would start with them, one for each server of the first group: read from the
 * pods that its groups are made of, with the variables that LeaderWorkerSet injects, expanded as Kubernetes does.
 */
export function launchCases(plan: ServingPlan, resolve: boolean): Case[] {
  const set = renderGroups(plan)[0];
  if (set === undefined) throw new Error(`${plan.name} has no group`);
  const { size, leaderTemplate, workerTemplate } = (set.spec as LeaderWorkerSetSpec).leaderWorkerTemplate;
  const { name } = set.metadata;
  const gpus = Object.values(plan.groups).flatMap(({ servers }) => servers);
  const kinds = gpus.map((server) => gpuOf(plan.spec.servers[server]?.gpu ?? "H100-80"));
  const gpuMiB = Math.min(...kinds.map(({ totalMiB }) => totalMiB));
  return Array.from({ length: size }, (_, index) => {
    const [container] = (index === 0 ? leaderTemplate : workerTemplate).spec.containers;
    if (container === undefined) throw new Error("a pod has a container");
    const variables = new Map([
      ["LWS_LEADER_ADDRESS", `${name}-0.${name}.${plan.namespace}`],
      ["LWS_GROUP_SIZE", String(size)],
      ["LWS_WORKER_INDEX", String(index)],
    ]);
    for (const { name, value } of container.env) variables.set(name, expand(value, variables));
    const words = [...container.command, ...container.args].map((word) => expand(word, variables));
    if (words.slice(0, 3).join(" ") !== "python3 -m sglang.launch_server") throw new Error(`starts ${words.join(" ")}`);
    return {
      id: `${plan.name}/${index}`,
      argv: words.slice(3),
      env: Object.fromEntries(variables),
      resolve,
      gpuMiB,
      capability: CAPABILITY[kinds[0]?.architecture ?? "hopper"],
      quantization: modelOf(plan.spec.model.preset).quantization,
      architecture: modelOf(plan.spec.model.preset).architecture,
    };
  });
}

interface LeaderWorkerSetSpec {
  leaderWorkerTemplate: {
    size: number;
    leaderTemplate: { spec: { containers: Container[] } };
    workerTemplate: { spec: { containers: Container[] } };
  };
}

/** Kubernetes' own rules (k8s.io/kubernetes/third_party/forked/golang/expansion): `$(NAME)`, `$$` for a dollar. */
export function expand(text: string, variables: ReadonlyMap<string, string>): string {
  return text.replaceAll(/\$(?:\$|\(([^)]*)\))/g, (whole, name: string | undefined) =>
    name === undefined ? "$" : (variables.get(name) ?? whole),
  );
}
