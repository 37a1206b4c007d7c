import { z } from "zod";
import { referenceTo } from "../../kube/objects.ts";
import { isGone, isReady } from "../../kube/ready.ts";
import { retrying } from "../../kube/retry.ts";
import { waitFor } from "../../kube/wait.ts";
import { type Operation, type ResourceType, UnfinishedResource } from "../provider/resource-type.ts";
import { packManifest, unpackManifest } from "../wire/manifest-text.ts";
import { connectionTo, isAway } from "./cluster-link.ts";
import { drifted } from "./drift.ts";
import { assertOurs, isOurs } from "./owner.ts";
import { takeOver } from "./paths.ts";

const Inputs = z.strictObject({
  kubeconfigFile: z.string().optional().meta({ description: "Where the cluster's kubeconfig lies on this computer." }),
  kubeconfig: z.string().optional().meta({ description: "Its content, in states of older versions." }),
  cluster: z.string().meta({ description: "Another value is another cluster, in which nothing of ours exists." }),
  fieldManager: z.string(),
  manifest: z
    .looseObject({
      apiVersion: z.string(),
      kind: z.string(),
      metadata: z.looseObject({ name: z.string(), namespace: z.string().optional() }),
    })
    .optional(),
  text: z.string().optional().meta({
    description:
      "The manifest as JSON, packed if it is long, in the place of `manifest`, which is for those with secrets: Pulumi takes 20 s for the tree of a big definition.",
  }),
  ready: z.boolean().optional().meta({ description: "Wait until the object does its work." }),
  readySeconds: z.number().optional(),
  initial: z.array(z.string()).optional().meta({
    description: "Paths that are set once, at the create: later they belong to somebody else (the reconciler).",
  }),
});
type Inputs = z.infer<typeof Inputs>;

interface Outputs {
  uid: string;
}

const REQUEST_DEADLINE_MS = 60_000;
const READY_SECONDS = 600;

function manifestOf({ manifest, text }: Inputs): object {
  if (manifest !== undefined) return manifest;
  if (text !== undefined) return unpackManifest(text);
  throw new Error("a Manifest needs `manifest` or `text`");
}

function idOf(inputs: Inputs): string {
  const { apiVersion, kind, namespace, name } = referenceTo(manifestOf(inputs));
  return [apiVersion, kind, ...(namespace === undefined ? [] : [namespace]), name].join("/");
}

async function apply(inputs: Inputs, operation: Operation, created: boolean): Promise<Outputs> {
  const { client, objects } = connectionTo(inputs);
  const { signal, progress } = operation;
  const { fieldManager, ready = false, readySeconds = READY_SECONDS, initial = [] } = inputs;
  const wanted = manifestOf(inputs);
  const reference = referenceTo(wanted);
  const persistent = <Result>(work: () => Promise<Result>) =>
    retrying(work, {
      deadlineMs: REQUEST_DEADLINE_MS,
      signal,
      onRetry: (error) => progress(`again: ${String(error)}`),
    });
  const live = await persistent(() => objects.get(reference, signal));
  if (created && live !== null) assertOurs(live, fieldManager);
  const manifest = live === null ? wanted : takeOver(wanted, live, initial);
  const applied = await persistent(() => objects.apply(manifest, { fieldManager, force: !created, signal }));
  const outputs = { uid: applied.metadata.uid ?? "" };
  if (!ready) return outputs;
  try {
    await waitFor(client, objects, reference, isReady, {
      deadlineMs: readySeconds * 1000,
      signal,
      onProgress: progress,
    });
  } catch (cause) {
    throw new UnfinishedResource(idOf(inputs), outputs, cause);
  }
  return outputs;
}

/** One Kubernetes object, by server-side apply: what we set is ours, what others add to it stays theirs. */
export const manifest: ResourceType<Inputs, Outputs> = {
  token: "tandem:index:Manifest",
  inputs: Inputs,
  outputs: { uid: "The object's own identity." },
  secrets: ["kubeconfig"],
  replaceOn: ["cluster", "fieldManager"],
  quiet: (path) => /^(kubeconfigFile|kubeconfig|ready|readySeconds|initial)\b/.test(path),
  create: async (inputs, operation) => ({ id: idOf(inputs), outputs: await apply(inputs, operation, true) }),
  async read({ inputs, outputs }, { signal, warn }) {
    const given = manifestOf(inputs);
    const reference = referenceTo(given);
    try {
      const { objects } = connectionTo(inputs);
      const live = await objects.get(reference, signal);
      if (live === null || !isOurs(live, inputs.fieldManager)) return null;
      const wanted = takeOver(given, live, inputs.initial ?? []);
      const options = { fieldManager: inputs.fieldManager, force: true, dryRun: true, signal };
      // The server answers, and a webhook whose pod is just starting does a moment later.
      const foreseen = await retrying(() => objects.apply(wanted, options), {
        deadlineMs: REQUEST_DEADLINE_MS,
        signal,
      });
      const present = drifted(given, live, foreseen) as Inputs["manifest"];
      const form = inputs.manifest === undefined ? { text: packManifest(present as object) } : { manifest: present };
      return { inputs: { ...inputs, ...form }, outputs: { uid: live.metadata.uid ?? "" } };
    } catch (error) {
      if (!isAway(error)) throw error;
      warn(`the API server does not answer (${String(error)}); the last known state of ${idOf(inputs)} is kept`);
      return { inputs, outputs: { uid: outputs.uid ?? "" } };
    }
  },
  update: (_existing, inputs, operation) => apply(inputs, operation, false),
  async remove({ inputs, outputs }, { signal, progress }) {
    const { client, objects } = connectionTo(inputs);
    const reference = referenceTo(manifestOf(inputs));
    const live = await objects.get(reference, signal);
    if (live === null || !isOurs(live, inputs.fieldManager)) return;
    await objects.remove(reference, outputs.uid, signal);
    await waitFor(client, objects, reference, isGone, {
      deadlineMs: READY_SECONDS * 1000,
      signal,
      onProgress: progress,
    });
  },
};
