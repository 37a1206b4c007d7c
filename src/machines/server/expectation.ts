import { modelOf } from "../../plan/catalogue.ts";
import { portPlan } from "../../plan/ports.ts";
import type { ClusterSpec } from "../../spec/schema.ts";
import type { Expectation } from "./judge-server.ts";

/** What a spec expects of one of its servers; `name` is a key of `servers` or `controlPlane`. */
export function expectationOf(spec: ClusterSpec, name: string): Expectation {
  const all = { ...spec.controlPlane, ...spec.servers };
  const own = all[name];
  if (own === undefined) throw new Error(`${name} is not a server of ${spec.name}`);
  const local = spec.provision.kind === "local";
  const peers = Object.values(all)
    .map(({ address }) => address)
    .filter((address) => address !== own.address);
  const common = { address: own.address, peers, interface: spec.network.interface, local };
  const gpuServer = spec.servers[name];
  if (gpuServer === undefined) return { ...common, role: "control-plane", gpus: 0, ports: [] };
  return {
    ...common,
    role: "gpu",
    gpus: gpuServer.gpus,
    gpuKind: gpuServer.gpu,
    ports: portPlan(spec).reserved,
    rdmaDevices: spec.network.rdma.devices,
    // An emulated engine loads nothing.
    ...(local ? {} : { weights: { path: spec.model.weights, bytes: modelOf(spec.model.preset).checkpointGB * 1e9 } }),
  };
}
