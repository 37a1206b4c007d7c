import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { stackDir } from "../../machines/home.ts";
import { expectationOf } from "../../machines/server/expectation.ts";
import { type ServerTarget, targetsOf } from "../../machines/server/targets.ts";
import { GROUP_LABEL } from "../../manifests/names.ts";
import type { ClusterSpec } from "../../spec/schema.ts";
import { givenKubeconfig } from "./given-kubeconfig.ts";
import { accessInputs, nodeInputs } from "./node-inputs.ts";
import {
  ControlPlaneNode,
  JoinedServer,
  LocalMachine,
  PreparedServer,
  SettledControlPlane,
  WorkerNode,
} from "./resources.ts";
import type { StackInputs } from "./stack-inputs.ts";

/** Servers that have become one Kubernetes cluster, or a cluster that is there already. */
export class Cluster extends pulumi.ComponentResource {
  readonly kubeconfig: pulumi.Output<string>;
  /** Where it lies on this computer by the time that the identity is known. */
  readonly kubeconfigFile: string;
  /** Another identity is another cluster, with nothing in it. */
  readonly identity: pulumi.Input<string>;
  /** By server name: what must exist before a pod can run there. */
  readonly nodes: Record<string, pulumi.Resource> = {};
  /** When these are done every server has our images. */
  readonly prepared: pulumi.Resource[] = [];
  /** With which all objects in the cluster go; undefined for a cluster that is not ours. */
  readonly controlPlane: pulumi.Resource | undefined;

  constructor(name: string, inputs: StackInputs, options?: pulumi.ComponentResourceOptions) {
    super("tandem:infra:Cluster", name, {}, options);
    const { spec } = inputs.plan;
    if (spec.provision.kind === "existing") {
      const path = spec.provision.kubeconfig.replace(/^~\//, `${homedir()}/`);
      this.kubeconfigFile = resolve(dirname(inputs.file), path);
      this.kubeconfig = pulumi.secret(givenKubeconfig(this.kubeconfigFile, inputs.file));
      this.identity = "existing";
      for (const name of Object.keys(spec.servers)) this.nodes[name] = this.#joined(inputs, name);
    } else {
      const targets = targetsOf(spec, inputs.file);
      const [leader, ...others] = targets;
      if (leader === undefined) throw new Error("a spec without a control plane passed its schema");
      const first = { target: leader, ...this.#server(inputs, leader) };
      // Everything waits for the control plane: machines of this computer begin when its own is ready, and boot while its
      // API server starts, which uses one core.
      const after = spec.provision.kind === "local" ? [first.prepared] : [];
      this.prepared.push(first.prepared);
      const rest = others.map((target) => ({ target, ...this.#server(inputs, target, after) }));
      this.kubeconfigFile = join(stackDir(spec.name), "kubeconfig");
      const controlPlane = this.#controlPlane(inputs, first);
      this.controlPlane = controlPlane;
      this.kubeconfig = controlPlane.kubeconfig;
      this.identity = controlPlane.caHash;
      for (const worker of rest) {
        this.prepared.push(worker.prepared);
        this.nodes[worker.target.target.name] = this.#worker(inputs, worker, first.target, controlPlane);
      }
    }
    this.registerOutputs({ kubeconfig: this.kubeconfig });
  }

  #joined({ plan: { spec }, prepared }: StackInputs, name: string): JoinedServer {
    // Kubernetes' own images are the cluster's business.
    const own = prepared?.images.filter(({ references }) => references.some((one) => one.startsWith("tandem.local/")));
    return new JoinedServer(
      name,
      {
        kubeconfigFile: this.kubeconfigFile,
        cluster: this.identity,
        stack: spec.name,
        name,
        labels: groupLabels(spec, name),
        images: own?.map(({ references: [reference], path }) => ({ reference, path })) ?? [],
      },
      { parent: this, protect: spec.protect },
    );
  }

  #server(
    inputs: StackInputs,
    server: ServerTarget,
    after: readonly pulumi.Resource[] = [],
  ): { prepared: PreparedServer; machine: LocalMachine | undefined } {
    const { spec } = inputs.plan;
    const { name } = server.target;
    const machine = spec.provision.kind === "local" ? this.#machine(inputs, server, after) : undefined;
    // The other servers are left out: one more of them must not be a change of each.
    const { peers: _, ...expectation } = expectationOf(spec, name);
    const gate = Object.values(spec.controlPlane).map(({ address }) => address);
    const prepared = new PreparedServer(
      name,
      {
        node: nodeInputs(inputs, server),
        access: accessInputs(server),
        expectation: { ...expectation, peers: gate.filter((address) => address !== server.target.address) },
        ...(machine ? { hostKey: machine.hostKey } : {}),
      },
      // Nothing has to be taken off a machine that goes away itself.
      { parent: this, ...(machine ? { deletedWith: machine } : {}), protect: spec.protect },
    );
    return { prepared, machine };
  }

  #machine(
    { plan: { spec }, prepared }: StackInputs,
    { role, gpus, target }: ServerTarget,
    after: readonly pulumi.Resource[],
  ): LocalMachine {
    if (spec.provision.kind !== "local") throw new Error("only a local stack has machines of its own");
    const { podCidr, serviceCidr } = spec.network;
    const machines = Object.keys(spec.servers).length + Object.keys(spec.controlPlane).length;
    return new LocalMachine(
      target.name,
      {
        stack: spec.name,
        name: target.name,
        address: target.address,
        role,
        gpus,
        authorizedKey: prepared?.authorizedKey ?? pulumi.unknown,
        image: prepared?.machineImage ?? pulumi.unknown,
        network: { subnet: spec.provision.subnet, podCidr, serviceCidr, machines },
        power: "on",
      },
      { parent: this, dependsOn: [...after], protect: spec.protect },
    );
  }

  #controlPlane(
    inputs: StackInputs,
    {
      target: server,
      prepared,
      machine,
    }: { target: ServerTarget; prepared: PreparedServer; machine: LocalMachine | undefined },
  ): ControlPlaneNode {
    const { spec } = inputs.plan;
    const { name, address } = server.target;
    const node = nodeInputs(inputs, server);
    const access = accessInputs(server);
    const controlPlane = new ControlPlaneNode(
      name,
      {
        node,
        access,
        machineId: prepared.machineId,
        endpoint: `${address}:6443`,
        certSans: [],
        dns: spec.provision.kind === "local" ? "none" : "node",
        kubeconfigFile: this.kubeconfigFile,
      },
      { parent: this, dependsOn: [prepared], deletedWith: machine ?? prepared, protect: spec.protect },
    );
    const { caHash } = controlPlane;
    new SettledControlPlane(name, { node, access, caHash }, { parent: this, deletedWith: controlPlane });
    return controlPlane;
  }

  #worker(
    inputs: StackInputs,
    { target: server, prepared }: { target: ServerTarget; prepared: PreparedServer },
    { target: leader }: ServerTarget,
    controlPlane: ControlPlaneNode,
  ): WorkerNode {
    const { spec } = inputs.plan;
    const { name } = server.target;
    return new WorkerNode(
      name,
      {
        node: nodeInputs(inputs, server),
        access: accessInputs(server),
        machineId: prepared.machineId,
        stack: spec.name,
        controlPlane: { name: leader.name, address: leader.address },
        endpoint: `${leader.address}:6443`,
        caHash: controlPlane.caHash,
        labels: groupLabels(spec, name),
        taints: [],
      },
      { parent: this, dependsOn: [prepared], deletedWith: controlPlane, protect: spec.protect },
    );
  }
}

/** The labels with which a server joins: its group, unless it is a spare. */
function groupLabels({ groups }: ClusterSpec, name: string): Record<string, string> {
  const group = Object.entries(groups).find(([, servers]) => servers.includes(name))?.[0];
  return group === undefined ? {} : { [GROUP_LABEL]: group };
}
