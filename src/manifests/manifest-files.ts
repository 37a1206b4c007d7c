import type { Manifest } from "./manifest.ts";
import { manifestYaml } from "./to-yaml.ts";

/** First line of every file: who wrote it, and so what may be replaced or removed by a later run. */
export const FILE_HEADER = "# Written by `tandem render`. Change the spec, not this file.\n";

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
    name: `${String(index + 1).padStart(2, "0")}-${manifest.kind.toLowerCase()}-${manifest.metadata.name}.yaml`,
    text: `${FILE_HEADER}${manifestYaml(manifest)}`,
  }));
}
