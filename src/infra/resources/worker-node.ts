import { z } from "zod";
import { TandemError } from "../../errors.ts";
import { removeNode } from "../../machines/server/remove-node.ts";
import { changing } from "../../machines/server/script.ts";
import { assertOwned, claimServer, foreignBecause } from "../../machines/server/server-owner.ts";
import { joinWorker } from "../../machines/server/worker.ts";
import type { Operation, ResourceType } from "../provider/resource-type.ts";
import { admitOperator } from "./operator-address.ts";
import { ownerOf } from "./own-server.ts";
import { isUnreachable, onServer, progressOf } from "./server-link.ts";
import { Access, isImage, isLocalPath, Node } from "./shapes.ts";

const Inputs = z.strictObject({
  node: Node,
  access: Access,
  machineId: z.string(),
  stack: z.string().meta({ description: "A label of the server for as long as it belongs to the stack." }),
  controlPlane: z.strictObject({ name: z.string(), address: z.string() }),
  endpoint: z.string(),
  caHash: z.string(),
  labels: z.record(z.string(), z.string()).meta({ description: "Given once; later they belong to the reconciler." }),
  taints: z.array(
    z.strictObject({
      key: z.string(),
      value: z.string().optional(),
      effect: z.enum(["NoSchedule", "PreferNoSchedule", "NoExecute"]),
    }),
  ),
});
type Inputs = z.infer<typeof Inputs>;

// Every input that matters is an input; what the cluster adds (the node's conditions) is not state of ours.
type Outputs = Record<string, never>;

// A control plane that was made anew is another cluster: what its predecessor left on a server of ours is in the way. Whether
// the server is ours, its mark has said before.
const LEAVE_OTHER = `
[ -e "$state/joined" ] && [ -s /etc/kubernetes/pki/ca.crt ] || exit 0
key=$(openssl x509 -noout -pubkey -in /etc/kubernetes/pki/ca.crt | openssl pkey -pubin -outform der | sha256sum)
[ "sha256:\${key%% *}" = "$ca_hash" ] && exit 0
rm -f "$state/joined"
kubeadm reset --force --cri-socket unix:///run/containerd/containerd.sock > /dev/null`;

// What both questions begin with, put to the control plane's server. One without a control plane has no nodes; where kubectl
// gets no answer nothing is known, which 3 says: an exit code of 1 would be a no.
const ASK = `
export KUBECONFIG=/etc/kubernetes/admin.conf
[ -s "$KUBECONFIG" ] || exit 1`;

const IS_THERE = `${ASK}
found=$(kubectl get node "$node_name" --ignore-not-found -o name) || exit 3
[ -n "$found" ] || exit 1`;

// Exit code 0: the node is up and its group is the one that clients are served by.
const SERVES = `${ASK}
node=$(kubectl get node "$node_name" --ignore-not-found -o 'jsonpath={.metadata.labels.tandem\\.dev/group} {.status.conditions[?(@.type=="Ready")].status}') || exit 3
active=$(kubectl get services -A --field-selector metadata.name=active -o 'jsonpath={.items[*].spec.selector.tandem\\.dev/group}') || exit 3
[ -n "$active" ] && [ "$node" = "$active True" ] || exit 1`;

/** The control plane's server was asked, and its API server did not answer. */
function isUnanswered(error: unknown): error is TandemError {
  return error instanceof TandemError && error.code === "E_REMOTE";
}

function stillServes(name: string, stack: string): TandemError {
  return new TandemError({
    code: "E_ACTIVE_SERVER",
    what: `${name} was not taken out of the cluster`,
    why: "it is up and belongs to the group that serves at this moment: every running answer would end",
    fix: `put it back into the spec, and run \`tandem server remove ${name} --stack ${stack}\`: traffic moves away and a spare takes its place first; without a spare: \`tandem server drain ${name} --stack ${stack}\`, then \`tandem up\``,
  });
}

async function join(inputs: Inputs, operation: Operation): Promise<Outputs> {
  const { node, access, stack, controlPlane, endpoint, caHash, labels } = inputs;
  const taints = inputs.taints.map(({ key, value, effect }) => ({
    key,
    effect,
    ...(value === undefined ? {} : { value }),
  }));
  const { signal } = operation;
  const owner = await ownerOf(operation, { known: true, caHash });
  await onServer({ ...node, access }, (remote) =>
    onServer({ ...controlPlane, access }, async (leader) => {
      await assertOwned(leader, owner, signal);
      await claimServer(remote, owner, signal);
      await remote.run(changing(LEAVE_OTHER), { step: "leave an older cluster", values: { ca_hash: caHash }, signal });
      const admitted = await admitOperator(remote, node, signal);
      const config = { ...admitted, stack, controlPlaneEndpoint: endpoint, caHash, labels, taints };
      await joinWorker(remote, leader, config, progressOf(operation));
    }),
  );
  return {};
}

/** A prepared server that has joined the cluster. The id is its name, which is the node's name too. */
export const workerNode: ResourceType<Inputs, Outputs> = {
  token: "tandem:index:WorkerNode",
  inputs: Inputs,
  outputs: {},
  secrets: [],
  replaceOn: ["machineId", "endpoint", "caHash"],
  quiet: (path) => isLocalPath(path) || isImage(path) || path.startsWith("labels") || path.startsWith("taints"),
  create: async (inputs, operation) => ({ id: inputs.node.name, outputs: await join(inputs, operation) }),
  async read({ inputs }, operation) {
    const { node, access, controlPlane, caHash } = inputs;
    const { signal } = operation;
    try {
      const question = { step: `look for node ${node.name}`, values: { node_name: node.name } };
      const known = await onServer({ ...controlPlane, access }, async (leader) => {
        // Another stack's cluster may have a node of the same name.
        if (await foreignBecause(leader, await ownerOf(operation, { known: true, caHash }), signal)) return false;
        return leader.test(IS_THERE, { ...question, signal });
      });
      return known ? { inputs, outputs: {} } : null;
    } catch (error) {
      if (!isUnreachable(error) && !isUnanswered(error)) throw error;
      operation.warn(`${error.what}: ${error.why}; the last known state of ${node.name} is kept`);
      return { inputs, outputs: {} };
    }
  },
  update: (_existing, inputs, operation) => join(inputs, operation),
  async remove({ inputs: { node, access, controlPlane, caHash, stack } }, operation) {
    const { signal } = operation;
    await onServer({ ...controlPlane, access }, async (leader) => {
      await assertOwned(leader, await ownerOf(operation, { known: true, caHash }), signal);
      const question = { step: `ask whether ${node.name} serves`, values: { node_name: node.name }, signal };
      if (await leader.test(SERVES, question)) throw stillServes(node.name, stack);
      await removeNode(leader, node.name, { signal });
    });
  },
};
