import { readFileSync } from "node:fs";
import { TandemError } from "../../errors.ts";
import { type KubeClient, kubeClient } from "../../kube/client.ts";
import { isPassing } from "../../kube/errors.ts";
import { type KubeObjects, kubeObjects } from "../../kube/objects.ts";

export interface ClusterLink {
  client: KubeClient;
  objects: KubeObjects;
}

/** How the inputs of a resource name its cluster. */
export interface ClusterAccess {
  /** Not its content: in the state it would be a secret of 6 KB once more for each object, to be encrypted in each update. */
  kubeconfigFile?: string | undefined;
  /** The content, in states of older versions. */
  kubeconfig?: string | undefined;
}

const NO_KUBECONFIG = "E_KUBECONFIG";
const links = new Map<string, ClusterLink>();

/**
 * One connection per cluster and process: forty objects share its TLS session and what the API server said it serves.
 *
 * @throws TandemError E_KUBECONFIG where the file cannot be read
 */
export function connectionTo(access: ClusterAccess): ClusterLink {
  const kubeconfig = access.kubeconfigFile === undefined ? access.kubeconfig : readKubeconfig(access.kubeconfigFile);
  if (kubeconfig === undefined) throw new Error("a resource in a cluster needs `kubeconfigFile`");
  let link = links.get(kubeconfig);
  if (link === undefined) {
    const client = kubeClient(kubeconfig);
    link = { client, objects: kubeObjects(client) };
    links.set(kubeconfig, link);
  }
  return link;
}

function readKubeconfig(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new TandemError({
      code: NO_KUBECONFIG,
      what: "the cluster cannot be asked",
      why: `its kubeconfig cannot be read (${(error as Error).message})`,
      fix: "put that file back, or let `pulumi refresh` write it anew from the control plane's server, then run the same command again",
    });
  }
}

/** No answer at all, as opposed to a refusal: nothing is known of the cluster's present state. */
export function isAway(error: unknown): boolean {
  if (error instanceof TandemError) return error.code === NO_KUBECONFIG;
  return isPassing(error) && error instanceof Error && "code" in error;
}
