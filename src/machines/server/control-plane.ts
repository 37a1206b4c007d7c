import { stringify } from "yaml";
import { dnsStep } from "./cluster-dns.ts";
import { filesStep } from "./files-step.ts";
import { gatewayAddressStep } from "./gateway-address.ts";
import { type ControlPlaneConfig, ignoredChecks, initConfig, kubeletPatch } from "./kubeadm-config.ts";
import { parseKubeconfig } from "./kubeconfig.ts";
import { networkStep } from "./network-step.ts";
import type { NodeConfig } from "./node-config.ts";
import { readNodeFacts } from "./node-facts.ts";
import { readyStep, serviceStep } from "./ready-step.ts";
import type { Remote } from "./remote.ts";
import { script, scriptStep } from "./script.ts";
import { runSteps, type Step, type StepOptions, type StepReport } from "./step.ts";

export interface ControlPlane {
  /** Administrator's kubeconfig: a secret. */
  kubeconfig: string;
  /** `sha256:…` of the cluster's CA key, which joins are pinned to. */
  caHash: string;
  endpoint: string;
}

/**
 * Turns a prepared server into the control plane, up to where its API answers and servers can join; see
 * {@link settleControlPlane} for the rest. A control plane that is already there is only read.
 */
export async function initControlPlane(
  remote: Remote,
  config: ControlPlaneConfig,
  options: StepOptions = {},
): Promise<ControlPlane & { steps: StepReport[] }> {
  const facts = await readNodeFacts(remote, options.signal);
  const steps = await runSteps(
    remote.target.name,
    [
      filesStep(remote, "kubeadm configuration", [...initConfig(config, facts), ...kubeletPatch(config, facts)]),
      initStep(remote, ignoredChecks(config, facts)),
      accessStep(remote),
      // The pod network takes seconds to come up; the DNS pods wait for it, and find their final configuration then.
      networkStep(remote, config, config.address),
      dnsStep(remote, config.dns),
    ],
    options,
    remote.resume,
  );
  const found = await readControlPlane(remote, options);
  if (found === undefined) throw new Error("the control plane was made and cannot be read");
  return { ...found, steps };
}

/**
 * What a control plane's server becomes besides: a node on which pods run, and its part in the gateway's address. Other
 * servers join meanwhile: kube-proxy takes five seconds to start, and nothing of a join hangs on it.
 */
export async function settleControlPlane(
  remote: Remote,
  config: NodeConfig,
  options: StepOptions = {},
): Promise<StepReport[]> {
  return runSteps(
    remote.target.name,
    [
      readyStep(remote, config.name),
      serviceStep(remote, remote, config),
      ...(config.gateway ? [gatewayAddressStep(remote, config.gateway)] : []),
    ],
    options,
    remote.resume,
  );
}

/** Reads a control plane that {@link initControlPlane} made, or undefined if there is none on this server. */
export async function readControlPlane(
  remote: Remote,
  { signal }: StepOptions = {},
): Promise<ControlPlane | undefined> {
  const common = { step: "read the control plane", ...(signal ? { signal } : {}) };
  if (!(await remote.test("[ -e /var/lib/tandem/control-plane ]", common))) return undefined;
  const kubeconfig = await remote.run("cat /etc/kubernetes/admin.conf", common);
  return { kubeconfig, ...parseKubeconfig(kubeconfig) };
}

function initStep(remote: Remote, ignored: string): Step {
  return scriptStep(remote, {
    name: "kubeadm init",
    values: { ignored },
    check: script("control-plane-check"),
    act: script("control-plane"),
    // Two tries, each with its wait for the API server and one for the other components.
    timeoutMs: 900_000,
  });
}

function accessStep(remote: Remote): Step {
  const roleRef = { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "tandem:pod-network" };
  const objects = [
    {
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "ClusterRole",
      metadata: { name: roleRef.name },
      rules: [{ apiGroups: [""], resources: ["nodes"], verbs: ["get", "list", "watch"] }],
    },
    {
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "ClusterRoleBinding",
      metadata: { name: roleRef.name },
      roleRef,
      subjects: [{ apiGroup: "rbac.authorization.k8s.io", kind: "Group", name: "system:nodes" }],
    },
  ];
  return scriptStep(remote, {
    name: "rights of the pod network",
    check: `kubectl --kubeconfig /etc/kubernetes/admin.conf get clusterrolebinding,clusterrole ${roleRef.name} > /dev/null 2>&1`,
    act: script("cluster-access"),
    input: objects.map((object) => stringify(object)).join("---\n"),
  });
}
