import { z } from "zod";
import { TandemError } from "../../errors.ts";
import type { KubeClient } from "../../kube/client.ts";
import type { LiveObject } from "../../kube/objects.ts";
import { GROUP_LABEL, STACK_LABEL } from "../../manifests/names.ts";
import type { Operation, ResourceType } from "../provider/resource-type.ts";
import { connectionTo, isAway } from "./cluster-link.ts";

const Inputs = z.strictObject({
  kubeconfigFile: z.string().optional().meta({ description: "Where the cluster's kubeconfig lies on this computer." }),
  kubeconfig: z.string().optional().meta({ description: "Its content, in states of older versions." }),
  cluster: z.string(),
  stack: z.string(),
  name: z.string().meta({ description: "Of the server in the spec, which is the node's name." }),
  labels: z.record(z.string(), z.string()).meta({ description: "Given once; later they belong to the reconciler." }),
  images: z
    .array(z.strictObject({ reference: z.string(), path: z.string() }))
    .meta({ description: "What pods of the stack need and no registry has, and where it lies on this computer." }),
});
type Inputs = z.infer<typeof Inputs>;
type Outputs = Record<string, never>;

/** The stack whose server a node is, by an annotation of the label's name; with LABELLED, which a join of ours leaves as well. */
const STACK = STACK_LABEL;
const LABELLED = "tandem.dev/labelled";
/** The kubelet names at most so many images (its default `nodeStatusMaxImages`); of a longer list nothing follows. */
const NAMED_IMAGES = 50;

const path = (name: string) => `/api/v1/nodes/${name}`;

async function nodeOf({ client }: { client: KubeClient }, name: string, signal: AbortSignal): Promise<LiveObject> {
  const { items } = await client.json<{ items: LiveObject[] }>({ method: "GET", path: "/api/v1/nodes", signal });
  const node = items.find(({ metadata }) => metadata.name === name);
  if (node !== undefined) return node;
  throw new TandemError({
    code: "E_NO_NODE",
    what: `the cluster has no node ${name}`,
    why: `with provision.kind existing a server of the spec is a node of the same name; there are ${items.map(({ metadata }) => metadata.name).join(", ") || "none"}`,
    fix: "correct the names under `servers` in the spec, or join that server, then run the same command again",
  });
}

function warnOfImages(node: LiveObject, { name, images }: Inputs, warn: Operation["warn"]): void {
  const listed = (node.status as { images?: { names?: string[] }[] } | undefined)?.images ?? [];
  if (listed.length >= NAMED_IMAGES) return;
  const names = listed.flatMap((image) => image.names ?? []);
  for (const { reference, path: file } of images.filter((image) => !names.includes(image.reference))) {
    warn(
      `${name} does not have the image ${reference}, which is in no registry, so that agent and gateway cannot start there; ` +
        `copy ${file} to it and run \`ctr -n k8s.io images import\` on the file: they start by themselves then`,
    );
  }
}

/** Without it every rank would stay pending, and say so only in an event. */
function warnOfGpus(node: LiveObject, { name }: Inputs, warn: Operation["warn"]): void {
  const { allocatable } = (node.status ?? {}) as { allocatable?: Record<string, string> };
  if (Number(allocatable?.["nvidia.com/gpu"] ?? 0) > 0) return;
  warn(
    `${name} offers no nvidia.com/gpu, so that no engine can start there; install NVIDIA's device plugin or GPU Operator ` +
      `in the cluster: the group starts by itself then`,
  );
}

/** By this label agents run on a server: without it nobody would watch there, and nothing else would say so. */
function warnOfLabel({ metadata }: LiveObject, { name, stack }: Inputs, warn: Operation["warn"]): void {
  if (metadata.labels?.[STACK_LABEL] === stack) return;
  warn(
    `${name} has no label ${STACK_LABEL}=${stack}, so that no agent runs there; somebody took it off: ` +
      `put it back with \`kubectl label --overwrite node ${name} ${STACK_LABEL}=${stack}\``,
  );
}

async function label(inputs: Inputs, { signal, warn }: Operation): Promise<Outputs> {
  const { name, stack, labels } = inputs;
  const link = connectionTo(inputs);
  const node = await nodeOf(link, name, signal);
  const annotations = node.metadata.annotations ?? {};
  if (annotations[LABELLED] === "true" && annotations[STACK] !== stack) {
    throw new TandemError({
      code: "E_NODE_TAKEN",
      what: `node ${name} is a server of another stack`,
      why: `its annotation ${STACK} is ${annotations[STACK] ?? "missing, as on servers that Tandem joined itself"}, not ${stack}`,
      fix: "take it out of that stack, or leave it out of this spec, then run the same command again",
    });
  }
  warnOfImages(node, inputs, warn);
  warnOfGpus(node, inputs, warn);
  const lasting = { [STACK_LABEL]: stack };
  // A server that was moved to another group stays there.
  if (annotations[LABELLED] === "true") await patch(link.client, name, { labels: lasting }, signal);
  else {
    const marks = { [LABELLED]: "true", [STACK]: stack };
    await patch(link.client, name, { labels: { ...labels, ...lasting }, annotations: marks }, signal);
  }
  return {};
}

function patch(client: KubeClient, name: string, metadata: object, signal: AbortSignal): Promise<unknown> {
  const contentType = "application/merge-patch+json";
  return client.json({ method: "PATCH", path: path(name), contentType, body: { metadata }, signal });
}

/** A node of a cluster that somebody else manages, as a server of the stack: its first labels, and no more. */
export const joinedServer: ResourceType<Inputs, Outputs> = {
  token: "tandem:index:JoinedServer",
  inputs: Inputs,
  outputs: {},
  secrets: ["kubeconfig"],
  replaceOn: ["cluster", "stack", "name"],
  quiet: (name) => /^(kubeconfigFile|kubeconfig|images|labels)\b/.test(name),
  create: async (inputs, operation) => ({ id: inputs.name, outputs: await label(inputs, operation) }),
  async look({ inputs }, { signal, warn }) {
    try {
      const node = await nodeOf(connectionTo(inputs), inputs.name, signal);
      warnOfLabel(node, inputs, warn);
      warnOfImages(node, inputs, warn);
      warnOfGpus(node, inputs, warn);
    } catch (error) {
      if (!isAway(error) && !(error instanceof TandemError)) throw error;
      warn(error instanceof TandemError ? error.message : `the API server does not answer (${String(error)})`);
    }
  },
  read: async ({ inputs }) => ({ inputs, outputs: {} }),
  update: (_existing, inputs, operation) => label(inputs, operation),
  async remove({ inputs }, { signal }) {
    const { name, stack, labels } = inputs;
    const link = connectionTo(inputs);
    const node = await nodeOf(link, name, signal).catch((error) => {
      if (error instanceof TandemError) return undefined;
      throw error;
    });
    if (node?.metadata.annotations?.[STACK] !== stack) return;
    // Also what the reconciler has moved since, on a spare too: the keys are ours.
    const gone = Object.fromEntries([...Object.keys(labels), GROUP_LABEL, STACK_LABEL].map((key) => [key, null]));
    await patch(link.client, name, { labels: gone, annotations: { [LABELLED]: null, [STACK]: null } }, signal);
  },
};
