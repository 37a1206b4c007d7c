import { TandemError } from "../errors.ts";

const ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount";

/**
 * A kubeconfig for the account of this pod. The token stays a path: it is renewed while the pod runs.
 *
 * @param outside what a program says where it is run by hand
 * @throws TandemError `E_NOT_IN_CLUSTER` outside a pod
 */
export function inClusterKubeconfig(
  env: Readonly<Record<string, string | undefined>>,
  outside: { what: string; fix: string },
  account = ACCOUNT,
): string {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port = "443" } = env;
  if (host === undefined)
    throw new TandemError({
      code: "E_NOT_IN_CLUSTER",
      why: "KUBERNETES_SERVICE_HOST is not set, so this is no pod",
      ...outside,
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
