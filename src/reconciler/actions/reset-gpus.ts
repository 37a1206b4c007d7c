import { lastKernelLine } from "../../health/reset-time.ts";
import { isConflict } from "../../kube/errors.ts";
import type { LiveObject } from "../../kube/objects.ts";
import { PART_OF, TANDEM_IMAGE } from "../../manifests/names.ts";
import { type Decided, done, FIELD_MANAGER, type Hands, type Outcome, waiting } from "./hands.ts";
import { nodeOf, note, recordOf } from "./node.ts";

const TIMEOUT_MS = 5_000;
/** Of which quarantine it is part, by its record. The API server's clock may be minutes from that of whoever wrote the record. */
const FOR = "tandem.dev/quarantined-since";
/** A reset takes 5 to 10 s (facts of the field), its driver a while longer when the GPU is sick. */
const DEADLINE_SECONDS = 120;

/**
 * In the server's own file system. NVIDIA's device plugin offers no GPU any more that it has seen an XID of, whatever is done to
 * that GPU, until it starts anew: kubelet starts it as soon as it has ended. Whose plugin it is does not matter.
 */
const RESET = `nvidia-smi --gpu-reset || exit
for process in /proc/[0-9]*; do
  first=$(tr '\\0' ' ' < "$process/cmdline")
  first=\${first%% *}
  [ "\${first##*/}" != nvidia-device-plugin ] || kill "\${process#/proc/}"
done 2> /dev/null
exit 0`;

/**
 * Resets all GPUs of a server by a pod on it that runs the server's own `nvidia-smi --gpu-reset`, as only root on the machine
 * can. It asks for no GPU, since it must run where the device plugin has given up, and its name makes it one per treatment.
 */
export async function resetGpus(hands: Hands, decided: Decided, server: string): Promise<Outcome> {
  const record = recordOf(decided, server);
  const name = `gpu-reset-${server}`;
  const pod = await makeOrRead(hands, resetPod(name, hands.namespace, server, record.since));
  const phase = (pod.status as { phase?: string } | undefined)?.phase ?? "Pending";
  const isOld = pod.metadata.annotations?.[FOR] !== record.since;
  if (phase !== "Succeeded" && phase !== "Failed" && !isOld) return waiting(`the GPUs of ${server} are being reset`);
  hands.assertLeader();
  await hands.client.json({
    method: "DELETE",
    path: hands.paths.pod(name),
    body: { apiVersion: "v1", kind: "DeleteOptions", gracePeriodSeconds: 0, preconditions: { uid: pod.metadata.uid } },
    timeoutMs: TIMEOUT_MS,
    signal: hands.signal,
  });
  if (isOld) return waiting(`an old reset of ${server} is cleared away`);
  // One that failed was tried: what is still wrong afterwards asks for the next rung by itself.
  const known = decided.knowledge.evidence.get(server);
  const after = known === undefined ? null : lastKernelLine(known.pieces, known.bootId);
  const treated = { remedy: "failover-reset" as const, at: new Date().toISOString(), ...(after ? { after } : {}) };
  await note(hands, nodeOf(decided, server), record, { treated });
  return done(phase === "Succeeded" ? `the GPUs of ${server} were reset` : `the reset of ${server}'s GPUs failed`);
}

async function makeOrRead({ client, paths, signal, assertLeader }: Hands, pod: LiveObject) {
  assertLeader();
  try {
    return await client.json<LiveObject>({
      method: "POST",
      path: paths.pods,
      query: { fieldManager: FIELD_MANAGER },
      body: pod,
      timeoutMs: TIMEOUT_MS,
      signal,
    });
  } catch (error) {
    if (!isConflict(error)) throw error;
    return client.json<LiveObject>({
      method: "GET",
      path: paths.pod(pod.metadata.name),
      timeoutMs: TIMEOUT_MS,
      signal,
    });
  }
}

/** Privileged as the agent is, and for the same reason: the driver's device files are the server's. */
export function resetPod(name: string, namespace: string, server: string, since: string): LiveObject {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name,
      namespace,
      labels: { ...PART_OF, "app.kubernetes.io/name": "gpu-reset" },
      annotations: { [FOR]: since },
    },
    spec: {
      nodeName: server,
      restartPolicy: "Never",
      activeDeadlineSeconds: DEADLINE_SECONDS,
      hostPID: true,
      hostNetwork: true,
      automountServiceAccountToken: false,
      tolerations: [{ operator: "Exists" }],
      containers: [
        {
          name: "reset",
          image: TANDEM_IMAGE,
          imagePullPolicy: "Never",
          command: ["nsenter", "--target", "1", "--mount", "--", "sh", "-c", RESET],
          securityContext: { privileged: true },
          resources: { requests: { cpu: "10m", memory: "16Mi" } },
        },
      ],
    },
  };
}
