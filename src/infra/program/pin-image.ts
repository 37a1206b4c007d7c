import type { Manifest } from "../../manifests/manifest.ts";
import type { Prepared } from "../stack/prepared.ts";

interface Template {
  metadata: { annotations?: Record<string, string> };
  spec: { initContainers?: { image: string }[]; containers: { image: string }[] };
}

/** Programs of ours; what restarts an engine is decided elsewhere. */
const PINNED: readonly string[] = ["DaemonSet", "Deployment"];

/**
 * A DaemonSet or Deployment whose pods are made anew when an image that we built ourselves has other content: its name stays the same,
 * so Kubernetes alone would go on with the old one. Groups are not touched by this: an engine restarts when somebody who
 * looks after the other group says so.
 */
export function pinImage(manifest: Manifest, images: Prepared["images"] = []): Manifest {
  if (!PINNED.includes(manifest.kind)) return manifest;
  const result = structuredClone(manifest);
  const { template } = result.spec as { template: Template };
  const used = [...(template.spec.initContainers ?? []), ...template.spec.containers].map(({ image }) => image);
  const isOurs = (reference: string) => reference.startsWith("tandem.local/") && used.includes(reference);
  const own = images.find(({ references }) => references.some(isOurs));
  if (own === undefined) return manifest;
  template.metadata.annotations = { ...template.metadata.annotations, "tandem.dev/image": own.sha256.slice(0, 16) };
  return result;
}
