import { z } from "zod";
import { createMachine, deleteMachine, listMachines, readMachine } from "../../machines/local/machine.ts";
import { deleteNetwork, ensureNetwork } from "../../machines/local/network.ts";
import type { Operation, ResourceType } from "../provider/resource-type.ts";
import { pinHostKey } from "./known-hosts.ts";
import { localEngine } from "./local-engine.ts";

const Inputs = z.strictObject({
  stack: z.string(),
  name: z.string(),
  address: z.string(),
  role: z.enum(["control-plane", "gpu"]),
  gpus: z.int(),
  authorizedKey: z.string(),
  image: z.string().meta({ description: "Used for a new machine; one that runs is not made anew for another image." }),
  network: z.strictObject({
    subnet: z.string(),
    podCidr: z.string(),
    serviceCidr: z.string(),
    machines: z.int(),
  }),
  power: z
    .enum(["on", "off"])
    .meta({ description: "Always on; a refresh finds it off where somebody pulled the plug." }),
});
type Inputs = z.infer<typeof Inputs>;

interface Outputs {
  container: string;
  hostKey: string;
}

async function ensure(inputs: Inputs, { signal, progress }: Operation): Promise<Outputs> {
  const engine = await localEngine();
  const { stack, name, address, role, gpus, authorizedKey, image, network } = inputs;
  progress("network");
  await ensureNetwork(engine, { name: stack, ...network }, signal);
  progress("boot");
  const request = { stack, name, address, role, gpus, authorizedKey, image };
  const { container, hostKey } = await createMachine(engine, request, signal);
  await pinHostKey(stack, address, hostKey);
  return { container, hostKey };
}

/** A server of a local stack: a container that boots as a bare server does. The id is its place: `<stack>/<name>`. */
export const localMachine: ResourceType<Inputs, Outputs> = {
  token: "tandem:index:LocalMachine",
  inputs: Inputs,
  outputs: { container: "Name of the container.", hostKey: "SSH host key, as in known_hosts." },
  secrets: [],
  replaceOn: ["stack", "name", "address", "role", "gpus", "authorizedKey"],
  quiet: (path) => path === "image" || path === "network.machines",
  async create(inputs, operation) {
    return { id: `${inputs.stack}/${inputs.name}`, outputs: await ensure(inputs, operation) };
  },
  async read({ inputs, outputs }) {
    const engine = await localEngine();
    const found = await readMachine(engine, inputs.stack, inputs.name);
    if (!found) return null;
    const power = found.state === "running" ? ("on" as const) : ("off" as const);
    return { inputs: { ...inputs, power }, outputs: { container: found.container, hostKey: outputs.hostKey ?? "" } };
  },
  update: (_existing, inputs, operation) => ensure(inputs, operation),
  async remove({ inputs: { stack, name, address } }) {
    const engine = await localEngine();
    await deleteMachine(engine, stack, name);
    await pinHostKey(stack, address, undefined);
    if ((await listMachines(engine, stack)).length === 0) await deleteNetwork(engine, stack);
  },
};
