import type { Manifest } from "./manifest.ts";
import { manifestYaml } from "./to-yaml.ts";

/** First line of every file: who wrote it, and so what may be replaced or removed by a later run. */
export const FILE_HEADER = "# Written by `tandem render`. Change the spec, not this file.\n";

/** Folder beside them for what the reconciler will make; `kubectl apply -f DIR` does not look into it. */
export const GROUPS_FOLDER = "made-by-reconciler";
/** First line of every file there. */
export const GROUPS_HEADER =
  "# Written by `tandem render`, for reading: the reconciler makes this of the ModelService. Do not apply it.\n";

export interface ManifestFile {
  name: string;
  text: string;
}

/**
 * One file for each object, numbered so that `kubectl apply -f DIR`, which goes by name, applies what is referred to
 * before what refers to it.
 */
export function manifestFiles(manifests: readonly Manifest[]): ManifestFile[] {
  return manifests.map((manifest, index) => ({
    name: `${String(index + 1).padStart(2, "0")}-${nameOf(manifest)}`,
    text: `${FILE_HEADER}${manifestYaml(manifest)}`,
  }));
}

/** One file for each group, of what the reconciler will make. */
export function groupFiles(manifests: readonly Manifest[]): ManifestFile[] {
  return manifests.map((manifest) => ({ name: nameOf(manifest), text: `${GROUPS_HEADER}${manifestYaml(manifest)}` }));
}

function nameOf({ kind, metadata }: Manifest): string {
  return `${kind.toLowerCase()}-${metadata.name}.yaml`;
}
