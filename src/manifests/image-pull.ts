import type { ServingPlan } from "../plan/serving-plan.ts";
import type { Manifest } from "./manifest.ts";
import { onEveryServer, PULL_DAEMON, stackLabels } from "./names.ts";

/**
 * Every node of a kubeadm cluster already has this image: it is the pod sandbox of Kubernetes 1.36.3
 * (cmd/kubeadm/app/constants, PauseVersion).
 */
const PAUSE_IMAGE = "registry.k8s.io/pause:3.10.2";

/**
 * Pulls the engine image on every server, also on spares: a server that joins a group must not begin with 20 GB of
 * download. The image is started once (`python3 --version`; it needs no shell), then the sandbox image holds the place.
 */
export function imagePull(plan: ServingPlan): Manifest {
  const labels = { "app.kubernetes.io/name": PULL_DAEMON, ...stackLabels(plan) };
  const small = { requests: { cpu: "1m", memory: "8Mi" } };
  const locked = { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } };
  return {
    apiVersion: "apps/v1",
    kind: "DaemonSet",
    metadata: { name: PULL_DAEMON, namespace: plan.namespace, labels },
    spec: {
      selector: { matchLabels: labels },
      // All servers at once: nothing serves from this pod, and a new image must be everywhere before a group moves to it.
      updateStrategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 0, maxUnavailable: "100%" } },
      template: {
        metadata: { labels },
        spec: {
          automountServiceAccountToken: false,
          enableServiceLinks: false,
          terminationGracePeriodSeconds: 0,
          // Not by group: the label of a group moves, the need for the image does not.
          nodeSelector: onEveryServer(plan),
          // A quarantined or not yet untainted server needs the image as well.
          tolerations: [{ operator: "Exists" }],
          initContainers: [
            {
              name: "pull",
              image: plan.image,
              imagePullPolicy: "IfNotPresent",
              command: ["python3", "--version"],
              resources: small,
              securityContext: locked,
            },
          ],
          containers: [
            {
              name: "hold",
              image: PAUSE_IMAGE,
              imagePullPolicy: "IfNotPresent",
              resources: small,
              securityContext: locked,
            },
          ],
        },
      },
    },
  };
}
