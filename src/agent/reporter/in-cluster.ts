import { inClusterKubeconfig } from "../../kube/in-cluster.ts";

/** The reporter's way to its API server. @throws TandemError `E_NOT_IN_CLUSTER` outside a pod */
export function reporterKubeconfig(env: NodeJS.ProcessEnv, account?: string): string {
  const outside = {
    what: "the reporter cannot find its API server",
    fix: "set REPORTER_KUBECONFIG to the path of a kubeconfig",
  };
  return inClusterKubeconfig(env, outside, account);
}
