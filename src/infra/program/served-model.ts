import * as pulumi from "@pulumi/pulumi";
import { modelService } from "../../manifests/model-service/model-service.ts";
import type { Cluster } from "./cluster.ts";
import { declareObject } from "./objects.ts";
import type { Platform } from "./platform.ts";
import type { ServingGroup } from "./serving-group.ts";
import type { StackInputs } from "./stack-inputs.ts";

/** Beside the loads themselves: images, a drained active group, servers that must be proven empty first. */
const BESIDE_LOADS_SECONDS = 600;

/**
 * The ModelService: what the groups run. It comes last, when every server of the spec has joined, or the reconciler would take
 * a spare for a server that is only late. An update waits until the reconciler has brought every group there, one after
 * the other; it goes first when the stack goes, and takes the groups along.
 */
export class ServedModel extends pulumi.ComponentResource {
  constructor(
    name: string,
    cluster: Cluster,
    platform: Platform,
    groups: readonly ServingGroup[],
    { plan }: StackInputs,
    options?: pulumi.ComponentResourceOptions,
  ) {
    super("tandem:infra:ServedModel", name, {}, options);
    const service = modelService(plan);
    const manifest = { ...service };
    const loads = service.spec.groups.length * (service.spec.failover.startWithinMs / 1_000);
    declareObject(
      cluster,
      plan.name,
      manifest,
      manifest,
      {
        parent: this,
        // A cluster that is not ours has no protected server below it that would stop a `pulumi destroy`.
        protect: plan.spec.protect,
        dependsOn: [
          ...platform.foundation,
          ...Object.values(cluster.nodes),
          ...groups.flatMap(({ objects }) => objects),
        ],
      },
      { ready: true, readySeconds: Math.ceil(loads) + BESIDE_LOADS_SECONDS },
    );
    this.registerOutputs({});
  }
}
