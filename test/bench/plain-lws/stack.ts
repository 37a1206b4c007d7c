import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { loadPlan } from "../../../src/cli/load-plan.ts";
import { stackFiles } from "../../../src/infra/stack/stack-files.ts";
import { type KubeClient, kubeClient } from "../../../src/kube/client.ts";
import type { ObjectReference } from "../../../src/kube/discovery.ts";
import { type KubeObjects, kubeObjects } from "../../../src/kube/objects.ts";
import { isGone } from "../../../src/kube/ready.ts";
import { waitFor } from "../../../src/kube/wait.ts";
import { tandemHome } from "../../../src/machines/home.ts";
import { MODEL_SERVICE } from "../../../src/manifests/model-service/resource.ts";
import { AGENT, GATEWAY, RECONCILER } from "../../../src/manifests/names.ts";
import type { ServingPlan } from "../../../src/plan/serving-plan.ts";
import { NAMESPACE } from "./manifests.ts";

const NAME = "plain";
const root = join(import.meta.dirname, "../../..");
/** The engines of a group have two and a half minutes to end. */
const GONE_MS = 300_000;
const ANSWERS_WITHIN_MS = 5_000;

/** A local cluster of this benchmark's own, from which everything of Tandem that acts has been taken away. */
export interface PlainStack {
  plan: ServingPlan;
  client: KubeClient;
  objects: KubeObjects;
  down(): Promise<void>;
}

/** Makes it, or takes what an earlier run has left; takes it down again where it cannot be made whole. */
export async function plainStack(): Promise<PlainStack> {
  const folder = join(tandemHome(), "bench");
  mkdirSync(folder, { recursive: true });
  const spec = join(folder, `${NAME}.yaml`);
  writeFileSync(spec, specText(readFileSync(join(root, "stacks/local.yaml"), "utf8")));
  const { plan } = loadPlan(spec);
  let client: KubeClient | undefined;
  const down = async () => {
    await client?.close();
    await tandem("down", spec);
  };
  try {
    const { kubeconfig } = stackFiles(NAME);
    // `tandem up` would put back what is taken away here, and wait for GPUs that the plain groups have.
    if (!existsSync(kubeconfig) || !(await isRetired(readFileSync(kubeconfig, "utf8")))) await tandem("up", spec);
    client = kubeClient(readFileSync(kubeconfig, "utf8"));
    const objects = kubeObjects(client);
    await retire(client, objects, plan);
    return { plan, client, objects, down };
  } catch (error) {
    await down();
    throw error;
  }
}

/** The stack of `stacks/local.yaml` under a name and on networks of its own. Pure. */
export function specText(local: string): string {
  return local
    .replace(/^name: local$/m, `name: ${NAME}`)
    .replaceAll("10.231.0.", "10.236.0.")
    .replace("network: {", "network: { podCidr: 10.226.0.0/16, serviceCidr: 10.227.0.0/16,");
}

/** Whether an earlier run has begun its groups on it: it has taken everything else away before. */
async function isRetired(kubeconfig: string): Promise<boolean> {
  const client = kubeClient(kubeconfig);
  try {
    const namespace = { apiVersion: "v1", kind: "Namespace", name: NAMESPACE };
    return (await kubeObjects(client).get(namespace, AbortSignal.timeout(ANSWERS_WITHIN_MS))) !== null;
  } catch {
    // A cluster that is not there is made; one that does not answer is brought back by `tandem up`.
    return false;
  } finally {
    await client.close();
  }
}

/** Whoever acts goes first, and then what it would have put back. */
async function retire(client: KubeClient, objects: KubeObjects, { name, namespace }: ServingPlan): Promise<void> {
  const programs = [
    ["Deployment", RECONCILER],
    ["DaemonSet", GATEWAY],
    ["DaemonSet", AGENT],
  ] as const;
  const away = async (reference: ObjectReference) => {
    await objects.remove(reference);
    const options = { deadlineMs: GONE_MS, signal: new AbortController().signal };
    await waitFor(client, objects, reference, isGone, options);
  };
  for (const [kind, program] of programs) await away({ apiVersion: "apps/v1", kind, name: program, namespace });
  await away({ ...MODEL_SERVICE, name, namespace });
}

async function tandem(verb: "up" | "down", spec: string): Promise<void> {
  const main = join(root, "src/cli/main.ts");
  const { exitCode, all } = await execa(process.execPath, [main, verb, spec], {
    ...{ cwd: root, all: true, reject: false, stdin: "ignore" },
  });
  if (exitCode !== 0) throw new Error(`tandem ${verb} ended with ${exitCode}:\n${String(all).slice(-2_000)}`);
}
