import { AGENT_PORT } from "../plan/service-ports.ts";
import { TANDEM_IMAGE } from "./names.ts";

/** Numeric, as `runAsNonRoot` cannot check a name; the group through which it reads the token and writes its file. */
export const REPORTER_ID = 65_534;
/** Where the reporter leaves the conditions of others for the agent. */
export const CONDITIONS_FOLDER = "/run/agent";
export const CONDITIONS_FILE = `${CONDITIONS_FOLDER}/conditions.json`;

const ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount";

/**
 * The container that talks to the API server: it has the account and no privileges, as the agent beside it has the
 * privileges and no account. Whoever breaks out of one of them does not have the other.
 */
export function reporterContainer(token: { name: string; mountPath: string }): object {
  const values = {
    REPORTER_AGENT_URL: `http://127.0.0.1:${AGENT_PORT}`,
    REPORTER_TOKEN_FILE: `${token.mountPath}/token`,
    REPORTER_CONDITIONS: CONDITIONS_FILE,
  };
  return {
    name: "reporter",
    image: TANDEM_IMAGE,
    imagePullPolicy: "Never",
    command: ["node", "--max-semi-space-size=1", "--no-opt", "--no-maglev", "/usr/lib/tandem/tandem-reporter.cjs"],
    env: [
      { name: "REPORTER_SERVER", valueFrom: { fieldRef: { apiVersion: "v1", fieldPath: "spec.nodeName" } } },
      ...Object.entries(values).map(([name, value]) => ({ name, value })),
    ],
    resources: { requests: { cpu: "5m", memory: "80Mi" }, limits: { memory: "128Mi" } },
    securityContext: {
      runAsUser: REPORTER_ID,
      runAsGroup: REPORTER_ID,
      runAsNonRoot: true,
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"] },
      seccompProfile: { type: "RuntimeDefault" },
    },
    volumeMounts: [
      { ...token, readOnly: true },
      { name: "conditions", mountPath: CONDITIONS_FOLDER },
      { name: "account", mountPath: ACCOUNT, readOnly: true },
    ],
  };
}

/** Its volumes. The account is mounted by hand: the switch for it is the pod's, and the agent must not have it. */
export function reporterVolumes(): object[] {
  return [
    { name: "conditions", emptyDir: { medium: "Memory", sizeLimit: "1Mi" } },
    {
      name: "account",
      projected: {
        defaultMode: 0o440,
        sources: [
          { serviceAccountToken: { path: "token", expirationSeconds: 3607 } },
          { configMap: { name: "kube-root-ca.crt", items: [{ key: "ca.crt", path: "ca.crt" }] } },
        ],
      },
    },
  ];
}
