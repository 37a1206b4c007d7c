import { CACHE_DIR } from "../plan/env.ts";
import { AGENT_PORT } from "../plan/service-ports.ts";
import type { ServingPlan } from "../plan/serving-plan.ts";
import { EMULATOR_IMAGE } from "../spec/schema-engine.ts";
import {
  CONDITIONS_FILE,
  CONDITIONS_FOLDER,
  REPORTER_ID,
  reporterContainer,
  reporterVolumes,
} from "./agent-reporter.ts";
import type { Manifest } from "./manifest.ts";
import { ACCESS_SECRET, AGENT, onEveryServer, stackLabels, TANDEM_IMAGE } from "./names.ts";
import { ownProbes } from "./own-probes.ts";

/**
 * An agent runs little code and must stay below 60 MiB: V8's optimizing compilers alone bring ten megabytes of Node's own
 * pages into memory. Code compiled without optimizing (Sparkplug) costs less than one.
 */
export const AGENT_NODE_FLAGS: readonly string[] = [
  "--max-semi-space-size=1",
  "--no-opt",
  "--no-maglev",
  "--sparkplug",
];

/** Where the pod finds what belongs to its server. */
const BOOT_ID = "/run/server/boot_id";
const TOKEN_FOLDER = "/etc/tandem-agent";
const DRILL_FOLDER = "/run/drill";
/** Where a drill on the server pretends lines of the kernel log (src/drill/servers). Root's own, and gone with a boot. */
export const SERVER_DRILL_FOLDER = "/run/tandem/drill";

/**
 * The agent of every GPU server, spares too. It must run where everything else was driven away, so it tolerates every
 * taint.
 *
 * It is privileged, for three reasons and no other: the driver's device files, which `nvidia-smi` opens; the kernel log's
 * device; and its server's mount namespace, in which that server's own `nvidia-smi` is run. It has no Kubernetes token,
 * and writes to no file of the server; the reporter beside it has one, and no privilege.
 */
export function agentDaemon(plan: ServingPlan): Manifest {
  const name = { "app.kubernetes.io/name": AGENT };
  const labels = { ...name, ...stackLabels(plan) };
  const volumes = agentVolumes(plan);
  const { startupProbe, readinessProbe } = ownProbes({
    httpGet: { path: "/healthz", port: "evidence", scheme: "HTTP" },
  });
  return {
    apiVersion: "apps/v1",
    kind: "DaemonSet",
    metadata: { name: AGENT, namespace: plan.namespace, labels },
    spec: {
      selector: { matchLabels: labels },
      // One after the other: a gateway that hears no agent of a group cannot tell a dead server from a silent one.
      updateStrategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 0, maxUnavailable: 1 } },
      template: {
        metadata: { labels },
        spec: {
          serviceAccountName: AGENT,
          automountServiceAccountToken: false,
          enableServiceLinks: false,
          priorityClassName: "system-node-critical",
          terminationGracePeriodSeconds: 2,
          hostNetwork: true,
          // The ranks' processes, whose end must be seen at once, are the server's.
          hostPID: true,
          nodeSelector: onEveryServer(plan),
          tolerations: [{ operator: "Exists" }],
          securityContext: { fsGroup: REPORTER_ID },
          containers: [
            {
              name: "agent",
              image: TANDEM_IMAGE,
              imagePullPolicy: "Never",
              command: ["node", ...AGENT_NODE_FLAGS, "/usr/lib/tandem/tandem-agent.cjs"],
              env: agentEnv(plan),
              ports: [{ name: "evidence", containerPort: AGENT_PORT, hostPort: AGENT_PORT, protocol: "TCP" }],
              startupProbe,
              readinessProbe,
              // The limit leaves room for nvidia-smi, which runs in the agent's cgroup: an agent that is killed for
              // another's memory would look like a lost server.
              // It takes a fiftieth of a core; the request is its weight when all cores are busy, and a late beat looks like silence.
              resources: { requests: { cpu: "100m", memory: "60Mi" }, limits: { memory: "160Mi" } },
              securityContext: { privileged: true, readOnlyRootFilesystem: true },
              volumeMounts: [
                ...volumes.map(({ mount }) => mount),
                { name: "conditions", mountPath: CONDITIONS_FOLDER, readOnly: true },
              ],
            },
            reporterContainer({ name: "token", mountPath: TOKEN_FOLDER }),
          ],
          volumes: [...volumes.map(({ volume }) => volume), ...reporterVolumes()],
        },
      },
    },
  };
}

function agentEnv(plan: ServingPlan): object[] {
  const values = {
    AGENT_PORT: String(AGENT_PORT),
    AGENT_TOKEN_FILE: `${TOKEN_FOLDER}/token`,
    AGENT_BOOT_ID_FILE: BOOT_ID,
    AGENT_GPUS: String(plan.gpusPerServer),
    AGENT_CONDITIONS: CONDITIONS_FILE,
    AGENT_DRILL: DRILL_FOLDER,
    // The driver's programs and libraries are the server's, so its nvidia-smi runs in the server's own file system.
    AGENT_NVIDIA_SMI: "nsenter --target 1 --mount -- nvidia-smi",
    // Also the server's own: what the next start of an engine would load, and the room that it would need.
    AGENT_ROOT: "/proc/1/root",
    AGENT_WEIGHTS: plan.model.weightsPath,
    AGENT_KERNEL_CACHE: CACHE_DIR,
    AGENT_DF: "nsenter --target 1 --mount -- df",
    ...links(plan),
  };
  return [
    { name: "AGENT_SERVER", valueFrom: { fieldRef: { apiVersion: "v1", fieldPath: "spec.nodeName" } } },
    ...Object.entries(values).map(([name, value]) => ({ name, value })),
  ];
}

/** The ports that the engine uses: one of another network is down for good where nobody has plugged it in. */
function links({ image, spec }: ServingPlan): Record<string, string> {
  const { kind, devices } = spec.network.rdma;
  if (image === EMULATOR_IMAGE) return { AGENT_SYS: "/run/tandem/sys" };
  if (kind === "none") return { AGENT_SYS: "off" };
  return { AGENT_SYS: "/sys", ...(devices.length === 0 ? {} : { AGENT_LINK_DEVICES: devices.join(",") }) };
}

function agentVolumes(plan: ServingPlan): { volume: object; mount: object }[] {
  const host = (name: string, path: string, type: string, mountPath: string) => ({
    volume: { name, hostPath: { path, type } },
    mount: { name, mountPath, readOnly: true },
  });
  return [
    {
      volume: {
        name: "token",
        secret: { secretName: ACCESS_SECRET, defaultMode: 0o400, items: [{ key: "agent-token", path: "token" }] },
      },
      mount: { name: "token", mountPath: TOKEN_FOLDER, readOnly: true },
    },
    // Through a mount of their own: a local machine has its own of both, and shares the rest of /proc with its host.
    host("boot-id", "/proc/sys/kernel/random/boot_id", "", BOOT_ID),
    host("kernel-log", "/dev/kmsg", "", "/dev/kmsg"),
    host("drill", SERVER_DRILL_FOLDER, "DirectoryOrCreate", DRILL_FOLDER),
    ...(plan.image === EMULATOR_IMAGE ? [host("emulator", "/run/tandem", "DirectoryOrCreate", "/run/tandem")] : []),
  ];
}
