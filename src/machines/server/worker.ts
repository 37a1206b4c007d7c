import { STACK_LABEL } from "../../manifests/names.ts";
import { filesStep } from "./files-step.ts";
import { gatewayAddressStep } from "./gateway-address.ts";
import { ignoredChecks, type JoinInput, joinConfig, kubeletPatch } from "./kubeadm-config.ts";
import { networkStep } from "./network-step.ts";
import type { NodeConfig } from "./node-config.ts";
import { readNodeFacts } from "./node-facts.ts";
import { readyStep, serviceStep } from "./ready-step.ts";
import type { Remote } from "./remote.ts";
import { changing, script, scriptStep } from "./script.ts";
import { runSteps, type Step, type StepOptions, type StepReport } from "./step.ts";
import { whileReachable } from "./while-reachable.ts";

export interface WorkerConfig extends NodeConfig, JoinInput {
  /** The stack's name, which is a label of the server for as long as it belongs to the stack: agents run by it. */
  stack: string;
  /** Set once, when the server is new in the cluster. Later the labels belong to whoever moves servers between groups. */
  labels: Readonly<Record<string, string>>;
}

/** Joins a prepared server to a cluster, and waits until pods run on it. Touches no other server but the control plane's. */
export async function joinWorker(
  remote: Remote,
  controlPlane: Remote,
  config: WorkerConfig,
  options: StepOptions = {},
): Promise<{ steps: StepReport[] }> {
  const facts = await readNodeFacts(remote, options.signal);
  const [apiAddress = ""] = config.controlPlaneEndpoint.split(":");
  const steps = await runSteps(
    remote.target.name,
    [
      filesStep(remote, "kubelet configuration", kubeletPatch(config, facts)),
      joinStep(remote, controlPlane, config, ignoredChecks(config, facts)),
      labelsStep(controlPlane, config),
      networkStep(remote, config, apiAddress),
      joinedStep(remote, controlPlane, config),
      serviceStep(remote, controlPlane, config),
      ...(config.gateway ? [gatewayAddressStep(remote, config.gateway)] : []),
    ],
    options,
    remote.resume,
  );
  return { steps };
}

function joinStep(remote: Remote, controlPlane: Remote, config: WorkerConfig, ignored: string): Step {
  const name = "kubeadm join";
  const step = scriptStep(remote, {
    name,
    values: { ignored },
    check: script("join-check"),
    act: script("join"),
    timeoutMs: 180_000,
  });
  return {
    ...step,
    act: async (signal) => {
      const common = { step: name, ...(signal ? { signal } : {}) };
      const values = { address: config.address, node_name: config.name };
      // Lets the new server reach the API server for a quarter of an hour, and makes a token that lives no longer.
      const token = (await controlPlane.run(script("admit"), { ...common, values })).trim();
      try {
        await remote.run(changing(script("join")), {
          ...common,
          values: { ignored },
          input: joinConfig(config, config, token),
          secrets: [token],
          timeoutMs: 180_000,
        });
      } finally {
        // Also when the join was cancelled; if this fails the token dies by itself.
        const id = token.slice(0, 6);
        await controlPlane.run('kubeadm token delete "$id" > /dev/null', { values: { id } }).catch(() => {});
      }
    },
  };
}

/** The control plane is asked, which calls a server that is gone unready, and waits for it. */
function joinedStep(remote: Remote, controlPlane: Remote, { name }: WorkerConfig): Step {
  const step = readyStep(controlPlane, name);
  return { ...step, act: (signal) => whileReachable(remote, step.act, { step: step.name, signal }) };
}

function labelsStep(controlPlane: Remote, { name, stack, labels }: WorkerConfig): Step {
  const lasting = { metadata: { labels: { [STACK_LABEL]: stack } } };
  const first = {
    metadata: { labels: { ...labels, ...lasting.metadata.labels }, annotations: { "tandem.dev/labelled": "true" } },
  };
  // The annotation says that the first labels were given, so that a server that was moved to another group stays there.
  const read = `
export KUBECONFIG=/etc/kubernetes/admin.conf
labelled=$(kubectl get node "$node_name" -o "jsonpath={.metadata.annotations.tandem\\.dev/labelled} {.metadata.labels.tandem\\.dev/stack}")`;
  return scriptStep(controlPlane, {
    name: `labels of ${name}`,
    values: { node_name: name, stack, first: JSON.stringify(first), lasting: JSON.stringify(lasting) },
    check: `${read}
[ "$labelled" = "true $stack" ]`,
    act: `${read}
case $labelled in "true "*) patch=$lasting ;; *) patch=$first ;; esac
kubectl patch node "$node_name" --type merge -p "$patch" > /dev/null`,
    // What the API server took is so; to ask costs 0.15 s of the control plane's core, four times at once.
    verify: ":",
  });
}
