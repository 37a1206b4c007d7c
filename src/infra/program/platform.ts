import * as pulumi from "@pulumi/pulumi";
import type { Manifest } from "../../manifests/manifest.ts";
import { MODEL_SERVICE } from "../../manifests/model-service/resource.ts";
import { RECONCILER } from "../../manifests/names.ts";
import { renderManifests } from "../../manifests/render.ts";
import { accessSecret } from "./access-secret.ts";
import { bmcSecret } from "./bmc-secret.ts";
import type { Cluster } from "./cluster.ts";
import { lwsManifests } from "./lws.ts";
import { declareObject } from "./objects.ts";
import { pinImage } from "./pin-image.ts";
import type { StackInputs } from "./stack-inputs.ts";

/** Kinds that other objects of the same install need before they can exist or work. */
const FIRST = new Set(["Namespace", "CustomResourceDefinition"]);

/** Everything in the cluster that belongs to no group: LeaderWorkerSet, device plugin, the stack's namespace and rights. */
export class Platform extends pulumi.ComponentResource {
  /** What groups need: the namespace, a LeaderWorkerSet controller that answers, a reconciler. */
  readonly foundation: pulumi.Resource[];

  constructor(name: string, cluster: Cluster, inputs: StackInputs, options?: pulumi.ComponentResourceOptions) {
    super("tandem:infra:Platform", name, {}, options);
    const { plan, more } = inputs;
    const declare = (named: Manifest, dependsOn: pulumi.Resource[]) => {
      const manifest = pinImage(named, inputs.prepared?.images);
      // Pods that are made anew for another image find it on their server: nothing would make them anew a second time. The
      // servers of a new cluster have it before they join.
      const images = manifest === named || !inputs.isThere ? [] : cluster.prepared;
      const options = { parent: this, dependsOn: [...dependsOn, ...images] };
      // A server that is down must not hold up an update; that the reconciler works is seen by the ModelService.
      const waiting = named.metadata.name === RECONCILER ? { ready: false } : {};
      return declareObject(cluster, plan.name, manifest, manifest, options, waiting);
    };
    const install = lwsManifests();
    const first = install.filter(({ kind }) => FIRST.has(kind)).map((manifest) => declare(manifest, []));
    const others = install.filter(({ kind }) => !FIRST.has(kind) && kind !== "Deployment");
    const parts = others.map((manifest) => declare(manifest, first));
    // Last: the pod needs its account, its configuration and the secret that it fills.
    const controller = install
      .filter(({ kind }) => kind === "Deployment")
      .map((manifest) => declare(manifest, [...first, ...parts]));

    const isShared = (manifest: Manifest) => groupOf(manifest) === undefined && manifest.kind !== MODEL_SERVICE.kind;
    const own = renderManifests(plan).filter(isShared);
    const [home, ...definitions] = own.filter(({ kind }) => FIRST.has(kind)).map((manifest) => declare(manifest, []));
    if (home === undefined) throw new Error("a plan renders at least its namespace");
    const { named, manifest } = accessSecret(plan, inputs.secrets);
    const access = declareObject(cluster, plan.name, manifest, named, { parent: this, dependsOn: [home] });
    // Pods that mount the Secret would wait a minute for it, once they had looked too early.
    const bmcs = bmcSecret(plan, inputs.bmcs);
    const secrets = [
      access,
      ...(bmcs === null
        ? []
        : [declareObject(cluster, plan.name, bmcs.manifest, bmcs.named, { parent: this, dependsOn: [home] })]),
    ];
    const needs = [home, ...secrets, ...definitions];
    const objects = own.filter(({ kind }) => !FIRST.has(kind)).map((manifest) => declare(manifest, needs));
    for (const manifest of more) declare(manifest, needs);
    this.foundation = [...controller, ...parts, home, ...objects];
    this.registerOutputs({});
  }
}

/** The group that an object belongs to, by the label that all of a group's objects carry. */
export function groupOf({ metadata }: Manifest): string | undefined {
  return metadata.labels?.["tandem.dev/group"];
}
