import { AGENT_PROGRAMS } from "../../agent/programs.ts";
import { GATEWAY_PROGRAMS } from "../../gateway/programs.ts";
import { type NodeImageTools, nodeImages } from "../../machines/images/node-images.ts";
import { tandemImage } from "../../machines/images/tandem-image.ts";
import type { ImageArchive } from "../../machines/images/write-image.ts";
import { RECONCILER_PROGRAMS } from "../../reconciler/programs.ts";

/** Every image that the nodes of a stack run and that no registry has: Kubernetes' own, ours, the emulated engine. */
export async function stackImages(
  tools: NodeImageTools,
  { local, signal }: { local: boolean; signal?: AbortSignal },
): Promise<ImageArchive[]> {
  const nodes = await nodeImages(tools, signal ? { signal } : {});
  const own = await ownImage();
  if (!local) return [...nodes, own];
  const { emulatorImage } = await import("../../emulator/image.ts");
  return [...nodes, own, await emulatorImage()];
}

/** The programs that run in every cluster: agent, gateway, reconciler. */
export function ownImage(): Promise<ImageArchive> {
  return tandemImage({ programs: [...AGENT_PROGRAMS, ...GATEWAY_PROGRAMS, ...RECONCILER_PROGRAMS] });
}
