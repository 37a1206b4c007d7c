import type { ServingPlan } from "../plan/serving-plan.ts";
import { checksum } from "./checksum.ts";
import { gatewayConfig } from "./gateway-config.ts";
import type { Manifest } from "./manifest.ts";
import { ACCESS_SECRET, GATEWAY, onServers, stackLabels, TANDEM_IMAGE } from "./names.ts";
import { ownProbes } from "./own-probes.ts";

const CONFIG_FOLDER = "/etc/tandem-gateway";
const SECRETS_FOLDER = "/etc/tandem-secrets";
const TLS_FOLDER = "/etc/tandem-tls";
const STATE_FOLDER = "/var/lib/tandem-gateway";
/** With a successor on its server a replica lets every answer end, and none takes over an hour (`limits.totalDeadlineMs`). */
const GRACE_SECONDS = 3_620;
const SERVING_FILE = `${STATE_FOLDER}/serving`;
/** A user that owns nothing on the server. */
const NOBODY = 65_532;

/** The gateway's objects; none for a spec without a gateway. */
export function gatewayObjects(plan: ServingPlan): Manifest[] {
  const { gateway } = plan.spec;
  if (gateway === undefined) return [];
  const labels = { "app.kubernetes.io/name": GATEWAY, ...stackLabels(plan) };
  const metadata = { name: GATEWAY, namespace: plan.namespace, labels };
  const config = gatewayConfig(plan, { tls: TLS_FOLDER, state: STATE_FOLDER });
  // A server that is added is told by the reconciler; a gateway that starts later reads it. Neither ends a stream.
  const { servers: _, ...fixed } = config;
  return [
    { apiVersion: "v1", kind: "ConfigMap", metadata, data: { "config.json": textOf(config) } },
    {
      apiVersion: "apps/v1",
      // One replica on each of its servers and nowhere else: a replica whose server died is not made anew on another.
      kind: "DaemonSet",
      metadata,
      spec: {
        selector: { matchLabels: labels },
        // The new replica starts beside the old one and takes its ports over: the address stays, and no answer is cut.
        updateStrategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
        template: {
          // Another configuration is another pod: the gateway reads it once.
          metadata: { labels, annotations: { "tandem.dev/config": checksum(textOf(fixed)) } },
          spec: gatewayPod(gateway),
        },
      },
    },
  ];
}

const textOf = (config: object): string => `${JSON.stringify(config, null, 2)}\n`;

function gatewayPod({ on, port, tls }: NonNullable<ServingPlan["spec"]["gateway"]>): object {
  const secret = (name: string) => `${SECRETS_FOLDER}/${name}`;
  const answers = {
    httpGet: { path: "/healthz", port, scheme: tls === undefined ? "HTTP" : "HTTPS" },
    timeoutSeconds: 2,
  };
  // Over the port the replica before would answer in its place.
  const serves = { exec: { command: ["node", "-e", `fs.accessSync("${SERVING_FILE}")`] }, timeoutSeconds: 5 };
  return {
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    priorityClassName: "system-node-critical",
    terminationGracePeriodSeconds: GRACE_SECONDS,
    // The address that moves between the replicas belongs to their servers.
    hostNetwork: true,
    affinity: onServers(on),
    tolerations: [{ operator: "Exists" }],
    securityContext: { runAsNonRoot: true, runAsUser: NOBODY, runAsGroup: NOBODY, fsGroup: NOBODY },
    containers: [
      {
        name: "gateway",
        image: TANDEM_IMAGE,
        imagePullPolicy: "Never",
        command: ["node", "/usr/lib/tandem/tandem-gateway.mjs", `${CONFIG_FOLDER}/config.json`],
        env: [
          { name: "TANDEM_AGENT_TOKEN_FILE", value: secret("agent-token") },
          { name: "TANDEM_ADMIN_TOKEN_FILE", value: secret("admin-token") },
          { name: "TANDEM_API_KEYS_FILE", value: secret("keys.json") },
          { name: "TANDEM_SERVING_FILE", value: SERVING_FILE },
        ],
        // No `ports`: the scheduler would take two replicas on one server for a conflict.
        ...ownProbes(answers, serves),
        resources: { requests: { cpu: "100m", memory: "128Mi" }, limits: { memory: "1Gi" } },
        securityContext: {
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ["ALL"] },
        },
        volumeMounts: [
          { name: "config", mountPath: CONFIG_FOLDER, readOnly: true },
          { name: "secrets", mountPath: SECRETS_FOLDER, readOnly: true },
          { name: "state", mountPath: STATE_FOLDER },
          ...(tls === undefined ? [] : [{ name: "tls", mountPath: TLS_FOLDER, readOnly: true }]),
        ],
      },
    ],
    volumes: [
      { name: "config", configMap: { name: GATEWAY, defaultMode: 0o444 } },
      {
        name: "secrets",
        secret: { secretName: ACCESS_SECRET, defaultMode: 0o440 },
      },
      // It outlives the container and not the pod: without an API server no pod is made anew, and with one somebody tells the role.
      { name: "state", emptyDir: { sizeLimit: "1Mi" } },
      ...(tls === undefined ? [] : [{ name: "tls", secret: { secretName: tls.secret, defaultMode: 0o440 } }]),
    ],
  };
}
