import { type KubeClient, kubeClient } from "../../kube/client.ts";
import { isPassing } from "../../kube/errors.ts";
import { type KubeObjects, kubeObjects } from "../../kube/objects.ts";

export interface ClusterLink {
  client: KubeClient;
  objects: KubeObjects;
}

const links = new Map<string, ClusterLink>();

/** One connection per cluster and process: forty objects share its TLS session and what the API server said it serves. */
export function connectionTo(kubeconfig: string): ClusterLink {
  let link = links.get(kubeconfig);
  if (link === undefined) {
    const client = kubeClient(kubeconfig);
    link = { client, objects: kubeObjects(client) };
    links.set(kubeconfig, link);
  }
  return link;
}

/** No answer at all, as opposed to a refusal. */
export function isAway(error: unknown): boolean {
  return isPassing(error) && error instanceof Error && "code" in error;
}
