import type * as pulumi from "@pulumi/pulumi";
import type { Manifest } from "../../manifests/manifest.ts";
import { packManifest } from "../wire/manifest-text.ts";
import type { Cluster } from "./cluster.ts";
import { ManifestResource } from "./resources.ts";

/** What stays as the reconciler has set it: see "State lives in Kubernetes objects" in docs/architecture.md. */
const INITIAL: Record<string, string[]> = { Service: ["spec.selector"] };
/** Kinds whose work is waited for. DaemonSets are not: they are ready when the last server has joined. */
const READY = new Set(["CustomResourceDefinition", "Deployment", "Namespace"]);

/** Declares one object. Its Pulumi name is `Kind/namespace/name`, which is unique in a cluster. */
export function declareObject(
  cluster: Cluster,
  stack: string,
  manifest: pulumi.Input<Manifest>,
  named: Manifest,
  options: { parent: pulumi.Resource; dependsOn?: pulumi.Resource[]; protect?: boolean },
  waiting: { ready?: boolean; readySeconds?: number } = {},
): ManifestResource {
  const { kind, metadata } = named;
  const initial = INITIAL[kind];
  return new ManifestResource(
    [kind, ...(metadata.namespace === undefined ? [] : [metadata.namespace]), metadata.name].join("/"),
    {
      kubeconfigFile: cluster.kubeconfigFile,
      cluster: cluster.identity,
      fieldManager: `tandem-${stack}`,
      // As text wherever nothing in it is secret.
      ...(manifest === named ? { text: packManifest(named) } : { manifest }),
      ...((waiting.ready ?? READY.has(kind)) ? { ready: true } : {}),
      ...(waiting.readySeconds === undefined ? {} : { readySeconds: waiting.readySeconds }),
      ...(initial === undefined ? {} : { initial }),
    },
    { ...options, ...(cluster.controlPlane === undefined ? {} : { deletedWith: cluster.controlPlane }) },
  );
}
