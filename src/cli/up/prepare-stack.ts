import type { Prepared } from "../../infra/stack/prepared.ts";
import { ensureStackKey } from "../../infra/stack/stack-key.ts";
import type { ImageArchive } from "../../machines/images/write-image.ts";
import type { Engine } from "../../machines/local/engine.ts";
import { together } from "../../machines/together.ts";
import type { ToolName } from "../../machines/tools/catalogue.ts";
import { type ResolvedTool, resolveTools } from "../../machines/tools/resolve.ts";
import type { ServingPlan } from "../../plan/serving-plan.ts";
import { ensurePrograms } from "./host-programs.ts";
import type { Phase } from "./phases.ts";
import { ownImage, stackImages } from "./stack-images.ts";

export interface PreparedStack {
  prepared: Prepared;
  tools: Record<(typeof HERE)[number], ResolvedTool>;
}

/** What runs on this computer, and what becomes part of the servers. */
const HERE = ["kubectl", "pulumi"] as const;
const ON_SERVERS = ["kubernetes", "etcd", "coredns", "lws", "pause"] as const;

/** Makes everything on this computer that the update of a stack needs. What is there is only looked at. */
export async function prepareStack(plan: ServingPlan, phase: Phase, signal: AbortSignal): Promise<PreparedStack> {
  const getTools = async <Name extends ToolName>(names: readonly Name[], signal: AbortSignal) => {
    const { showToolProgress } = await import("../tool-progress.ts");
    const view = showToolProgress();
    return resolveTools(names, { signal, onProgress: view.onProgress }).finally(view.end);
  };
  await ensurePrograms(plan.spec, phase, signal);
  if (plan.spec.provision.kind === "existing") {
    const tools = await phase("tools", () => getTools(HERE, signal));
    return { prepared: { images: placed([await phase("container image", ownImage)]) }, tools };
  }
  const local = plan.spec.provision.kind === "local";
  if (local) await assertPlace(plan);
  const made = async (signal: AbortSignal) => {
    const tools = await phase("tools", () => getTools([...HERE, ...ON_SERVERS], signal));
    return { tools, archives: await phase("container images", () => stackImages(tools, { local, signal })) };
  };
  // Debian's packages come over the network while Go's compiler has the processor.
  const base = (signal: AbortSignal) => phase("Debian for the machines", (say) => localBase(say, signal));
  const [{ tools, archives }] = local ? await together(signal, [made, base]) : [await made(signal)];
  const { kubernetes } = tools;
  if (kubernetes.sha256 === undefined) throw new Error("a program that runs on nodes is never taken from PATH");
  const prepared: Prepared = {
    kubernetes: { version: versionWithV(kubernetes), path: kubernetes.path, sha256: kubernetes.sha256 },
    images: placed(archives),
  };
  if (!local) return { prepared, tools };
  const authorizedKey = await ensureStackKey(plan.name);
  const machineImage = await phase("machine image", (say) => localImage(kubernetes, archives, say, signal));
  return { prepared: { ...prepared, machineImage, authorizedKey }, tools };
}

function versionWithV({ version }: ResolvedTool): string {
  return version.startsWith("v") ? version : `v${version}`;
}

function placed(archives: readonly ImageArchive[]): Prepared["images"] {
  return archives.map(({ references, path, sha256 }) => ({ references, path, sha256, on: placesOf(references) }));
}

/** etcd and the LeaderWorkerSet controller run beside the API server; everything else may run anywhere. */
function placesOf(references: readonly string[]): Prepared["images"][number]["on"] {
  const central = references.some((reference) => /\/(etcd|lws\/lws):/.test(reference));
  return central ? ["control-plane"] : ["control-plane", "gpu"];
}

/** What stands against machines on this computer and can be known before anything is built for them. */
async function assertPlace({ name, spec }: ServingPlan): Promise<void> {
  if (spec.provision.kind !== "local") return;
  const { findEngine } = await import("../../machines/local/engine.ts");
  const { assertNetworkFits } = await import("../../machines/local/network.ts");
  const { podCidr, serviceCidr } = spec.network;
  const engine = await findEngine();
  try {
    await assertNetworkFits(engine, { name, subnet: spec.provision.subnet, podCidr, serviceCidr });
  } finally {
    await engine?.api.close();
  }
}

async function localBase(say: (line: string) => void, signal: AbortSignal): Promise<void> {
  const { ensureBaseImage } = await import("../../machines/local/machine-image.ts");
  await withEngine(say, signal, (engine) => ensureBaseImage(engine, { onProgress: say, signal }));
}

async function localImage(
  kubernetes: ResolvedTool,
  archives: readonly ImageArchive[],
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<string> {
  const { ensureMachineImage } = await import("../../machines/local/machine-image.ts");
  const options = { kubernetes, archives, onProgress: say, signal };
  return withEngine(say, signal, async (engine) => (await ensureMachineImage(engine, options)).reference);
}

async function withEngine<Result>(
  say: (line: string) => void,
  signal: AbortSignal,
  work: (engine: Engine) => Promise<Result>,
): Promise<Result> {
  const { ensureEngine } = await import("../../machines/local/engine.ts");
  const engine = await ensureEngine({ onProgress: say, signal });
  try {
    return await work(engine);
  } finally {
    await engine.api.close();
  }
}
