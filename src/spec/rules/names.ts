import type { Draft } from "../draft.ts";
import { type Problem, problem } from "../problem.ts";

/**
 * `<name>-<group>` names a LeaderWorkerSet; its StatefulSets add `-0`, and their pods carry `<StatefulSet>-<10 letters>` in a
 * label of at most 63 characters.
 */
const WORKLOAD_LENGTH = 50;

/** Names that become names of Kubernetes objects, nodes and labels. */
export function nameRules(spec: Draft): Problem[] {
  const servers = Object.keys(spec.servers ?? {});
  const controlPlanes = Object.keys(spec.controlPlane ?? {});
  const found = controlPlanes
    .filter((name) => servers.includes(name))
    .map((name) =>
      problem("E_SPEC_NAME_TWICE", ["controlPlane", name], {
        what: `${name} is a server and a control plane`,
        why: "both become Kubernetes nodes, and a node's name is its identity",
        fix: "give the control plane another name, e.g. cp-1",
      }),
    );
  for (const id of Object.keys(spec.groups ?? {})) {
    const length = (spec.name ?? "").length + 1 + id.length;
    if (spec.name === undefined || length <= WORKLOAD_LENGTH) continue;
    found.push(
      problem("E_SPEC_NAME", ["groups", id], {
        what: `${spec.name}-${id} has ${length} characters`,
        why: `it names the group's workload, and Kubernetes has room for ${WORKLOAD_LENGTH}`,
        fix: "shorten the name of the stack or of the group",
      }),
    );
  }
  return [...found, ...controlPlaneCount(spec, controlPlanes)];
}

function controlPlaneCount(spec: Draft, names: readonly string[]): Problem[] {
  if (spec.controlPlane === undefined || spec.provision?.kind === undefined || spec.provision.kind === "existing")
    return [];
  if (names.length === 1) return [];
  return [
    problem("E_SPEC_CONTROL_PLANE", ["controlPlane", ...names.slice(1, 2)], {
      what: `there are ${names.length} control planes`,
      why:
        names.length === 0
          ? "a cluster needs one; it carries no GPUs, and failover of the model does not wait for it"
          : "more than one is not supported yet: the model keeps serving without it, and failover does not wait for it",
      fix: names.length === 0 ? "add one, e.g. `cp-1: {address: 10.0.0.10}`" : "keep one",
    }),
  ];
}
