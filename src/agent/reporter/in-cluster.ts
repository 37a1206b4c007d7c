import { TandemError } from "../../errors.ts";

const ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount";

/** A kubeconfig for the account of this pod. The token stays a path: it is renewed while the pod runs. */
export function inClusterKubeconfig(env: NodeJS.ProcessEnv, account = ACCOUNT): string {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port = "443" } = env;
  if (host === undefined)
    throw new TandemError({
      code: "E_NOT_IN_CLUSTER",
      what: "the reporter cannot find its API server",
      why: "KUBERNETES_SERVICE_HOST is not set, so this is no pod",
      fix: "set REPORTER_KUBECONFIG to the path of a kubeconfig",
    });
  return JSON.stringify({
    "current-context": "pod",
    contexts: [{ name: "pod", context: { cluster: "pod", user: "pod" } }],
    clusters: [
      {
        name: "pod",
        cluster: {
          server: `https://${host.includes(":") ? `[${host}]` : host}:${port}`,
          "certificate-authority": `${account}/ca.crt`,
        },
      },
    ],
    users: [{ name: "pod", user: { tokenFile: `${account}/token` } }],
  });
}
