import { stringify } from "yaml";
import type { Manifest } from "./manifest.ts";

/**
 * One multi-document YAML text. Strings that any YAML reader could take for something else (`"0"`, `"yes"`, `"1e3"`)
 * are quoted by the rules of YAML 1.1, which Kubernetes follows; no line is folded, no anchor is used.
 */
export function toYaml(manifests: readonly Manifest[]): string {
  return manifests.map((manifest) => `---\n${manifestYaml(manifest)}`).join("");
}

export function manifestYaml(manifest: Manifest): string {
  return stringify(manifest, { version: "1.1", lineWidth: 0, aliasDuplicateObjects: false });
}
