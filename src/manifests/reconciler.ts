import { DASHBOARD_PORT, RECONCILER_PORT } from "../plan/service-ports.ts";
import type { ServingPlan } from "../plan/serving-plan.ts";
import type { Manifest } from "./manifest.ts";
import {
  ACCESS_SECRET,
  BMC_SECRET,
  DASHBOARD_TLS_SECRET,
  groupsOf,
  onServers,
  RECONCILER,
  stackLabels,
  TANDEM_IMAGE,
} from "./names.ts";
import { ownProbes } from "./own-probes.ts";

const SECRETS_FOLDER = "/etc/tandem-secrets";
const BMC_FOLDER = "/etc/tandem-bmc";
const WEBHOOK_FOLDER = "/etc/tandem-webhook";
const DASHBOARD_TLS_FOLDER = "/etc/tandem-dashboard-tls";
/** It has 120 MiB. Code compiled without optimizing costs one of them and saves processor time; optimized code costs twenty. */
export const RECONCILER_NODE_FLAGS: readonly string[] = [
  "--max-semi-space-size=2",
  "--no-opt",
  "--no-maglev",
  "--sparkplug",
  "--max-old-space-size=96",
];
/** A user that owns nothing on the server. */
const NOBODY = 65_532;

/**
 * Servers for its two replicas: the control plane's, and those of the gateway, of which no two are of one group. A reconciler
 * whose every replica stood on one group would die with what it has to repair. Where that is one server alone, the last group's
 * first server is the second.
 */
export function reconcilerServers(plan: ServingPlan): string[] {
  const chosen = new Set([...Object.keys(plan.spec.controlPlane), ...(plan.spec.gateway?.on ?? [])]);
  const others = [...plan.spec.spares, ...(groupsOf(plan).at(-1)?.servers ?? [])];
  for (const server of others) if (chosen.size < 2) chosen.add(server);
  return [...chosen].sort();
}

/** The reconciler: two replicas, of which the one with the lease acts. */
export function reconcilerDeployment(plan: ServingPlan): Manifest {
  const labels = { "app.kubernetes.io/name": RECONCILER, ...stackLabels(plan) };
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: RECONCILER, namespace: plan.namespace, labels },
    spec: {
      replicas: 2,
      selector: { matchLabels: labels },
      // There is no third server for a surge; one after the other, the lease changes hands once at most.
      strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 0, maxUnavailable: 1 } },
      revisionHistoryLimit: 2,
      template: { metadata: { labels }, spec: reconcilerPod(plan, labels) },
    },
  };
}

function reconcilerPod(plan: ServingPlan, labels: Record<string, string>): object {
  const { webhook } = plan.spec.failover;
  const isMissing = (key: string) => ({ key, operator: "Exists", effect: "NoSchedule" });
  const answers = (path: string) => ({ httpGet: { path, port: "http", scheme: "HTTP" }, timeoutSeconds: 2 });
  return {
    serviceAccountName: RECONCILER,
    automountServiceAccountToken: true,
    enableServiceLinks: false,
    priorityClassName: "system-cluster-critical",
    terminationGracePeriodSeconds: 10,
    affinity: {
      ...onServers(reconcilerServers(plan)),
      podAntiAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: [
          { labelSelector: { matchLabels: labels }, topologyKey: "kubernetes.io/hostname" },
        ],
      },
    },
    // A server in quarantine may still run it: taking a server out of service is no reason to lose a replica.
    tolerations: ["node-role.kubernetes.io/control-plane", "nvidia.com/gpu", "tandem.dev/quarantine"].map(isMissing),
    securityContext: {
      runAsNonRoot: true,
      runAsUser: NOBODY,
      runAsGroup: NOBODY,
      fsGroup: NOBODY,
      seccompProfile: { type: "RuntimeDefault" },
    },
    containers: [
      {
        name: RECONCILER,
        image: TANDEM_IMAGE,
        imagePullPolicy: "Never",
        command: ["node", ...RECONCILER_NODE_FLAGS, "/usr/lib/tandem/tandem-reconciler.cjs"],
        env: environment(plan),
        ports: [
          { name: "http", containerPort: RECONCILER_PORT, protocol: "TCP" },
          { name: "dashboard", containerPort: DASHBOARD_PORT, protocol: "TCP" },
        ],
        // Ready is also the replica that looks on. No API server is no reason to restart: it comes back by itself.
        ...ownProbes(answers("/healthz")),
        resources: { requests: { cpu: "50m", memory: "96Mi" }, limits: { memory: "192Mi" } },
        securityContext: {
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ["ALL"] },
        },
        volumeMounts: [
          { name: "secrets", mountPath: SECRETS_FOLDER, readOnly: true },
          { name: "bmc", mountPath: BMC_FOLDER, readOnly: true },
          { name: "dashboard-tls", mountPath: DASHBOARD_TLS_FOLDER, readOnly: true },
          ...(webhook === undefined ? [] : [{ name: "webhook", mountPath: WEBHOOK_FOLDER, readOnly: true }]),
        ],
      },
    ],
    volumes: [
      {
        name: "secrets",
        secret: {
          secretName: ACCESS_SECRET,
          defaultMode: 0o440,
          // The clients' keys are the gateway's business.
          items: ["agent-token", "admin-token", "dashboard-keys.json"].map((key) => ({ key, path: key })),
        },
      },
      // Without a BMC in the spec there is no such Secret.
      { name: "bmc", secret: { secretName: BMC_SECRET, defaultMode: 0o440, optional: true } },
      // Without it the page is served in clear, for a port-forward or something before it that has TLS.
      { name: "dashboard-tls", secret: { secretName: DASHBOARD_TLS_SECRET, defaultMode: 0o440, optional: true } },
      // Whoever is on call makes it, maybe later: without it nobody is called, and the log says so.
      ...(webhook === undefined
        ? []
        : [{ name: "webhook", secret: { secretName: webhook.secret, defaultMode: 0o440, optional: true } }]),
    ],
  };
}

function environment(plan: ServingPlan): object[] {
  const values = {
    // One heap for all threads of Node: each of them would keep megabytes that it once needed.
    MALLOC_ARENA_MAX: "1",
    TANDEM_NAMESPACE: plan.namespace,
    TANDEM_MODEL_SERVICE: plan.name,
    TANDEM_AGENT_TOKEN_FILE: `${SECRETS_FOLDER}/agent-token`,
    TANDEM_ADMIN_TOKEN_FILE: `${SECRETS_FOLDER}/admin-token`,
    TANDEM_BMC_FOLDER: BMC_FOLDER,
    TANDEM_LISTEN: `0.0.0.0:${RECONCILER_PORT}`,
    TANDEM_DASHBOARD_LISTEN: `0.0.0.0:${DASHBOARD_PORT}`,
    TANDEM_DASHBOARD_KEYS_FILE: `${SECRETS_FOLDER}/dashboard-keys.json`,
    TANDEM_DASHBOARD_TLS_FOLDER: DASHBOARD_TLS_FOLDER,
    ...(plan.spec.failover.webhook === undefined ? {} : { TANDEM_WEBHOOK_FOLDER: WEBHOOK_FOLDER }),
  };
  return Object.entries(values).map(([name, value]) => ({ name, value }));
}
