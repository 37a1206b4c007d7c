import * as pulumi from "@pulumi/pulumi";
import { renderManifests } from "../../manifests/render.ts";
import type { GroupPlan } from "../../plan/serving-plan.ts";
import type { Cluster } from "./cluster.ts";
import { declareObject } from "./objects.ts";
import { groupOf, type Platform } from "./platform.ts";
import type { StackInputs } from "./stack-inputs.ts";

/**
 * What stands around the engine of one group: the Service of its leader, its disruption budget. The engine itself, its
 * LeaderWorkerSet, is the reconciler's.
 */
export class ServingGroup extends pulumi.ComponentResource {
  readonly objects: pulumi.Resource[];

  constructor(
    group: GroupPlan,
    cluster: Cluster,
    platform: Platform,
    inputs: StackInputs,
    options?: pulumi.ComponentResourceOptions,
  ) {
    super("tandem:infra:ServingGroup", group.id, {}, options);
    const nodes = group.servers.flatMap((server) => cluster.nodes[server] ?? []);
    const needs = [...platform.foundation, ...nodes];
    const own = renderManifests(inputs.plan).filter((candidate) => groupOf(candidate) === group.id);
    this.objects = own.map((manifest) =>
      declareObject(cluster, inputs.plan.name, manifest, manifest, { parent: this, dependsOn: needs }),
    );
    this.registerOutputs({ servers: group.servers });
  }
}
