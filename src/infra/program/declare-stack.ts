import * as pulumi from "@pulumi/pulumi";
import { TandemError } from "../../errors.ts";
import { Cluster } from "./cluster.ts";
import { Platform } from "./platform.ts";
import { ServedModel } from "./served-model.ts";
import { ServingGroup } from "./serving-group.ts";
import type { StackInputs } from "./stack-inputs.ts";

/** Declares a whole stack: servers → cluster → platform → groups → the model they serve. The same program for every way of provisioning. */
export function declareStack(inputs: StackInputs): Record<string, pulumi.Output<unknown> | string> {
  const { plan, prepared } = inputs;
  const needsPrepared = plan.spec.provision.kind !== "existing";
  if (prepared === undefined && needsPrepared && !pulumi.runtime.isDryRun()) {
    throw new TandemError({
      code: "E_NOT_PREPARED",
      what: `stack ${plan.name} cannot be updated yet`,
      why: "the programs and images that its servers get were never built on this computer",
      fix: `run \`tandem up ${inputs.file}\`, which makes them and then runs this update`,
    });
  }
  const cluster = new Cluster(plan.name, inputs);
  const platform = new Platform(plan.name, cluster, inputs);
  const groups = Object.values(plan.groups).map((group) => new ServingGroup(group, cluster, platform, inputs));
  new ServedModel(plan.name, cluster, platform, groups, inputs);
  return { namespace: plan.namespace, kubeconfig: cluster.kubeconfig };
}
