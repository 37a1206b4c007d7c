import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Writes the example as a stack on a cluster of somebody else, whose kubeconfig would lie beside it; answers its path. */
export function existingSpec(folder: string, more = ""): string {
  const path = join(folder, "prod.yaml");
  const text = readFileSync(join(import.meta.dirname, "../../stacks/example.yaml"), "utf8")
    .replace("sha256:placeholder", `sha256:${"0".repeat(64)}`)
    .replace(/^provision: .*$/m, "provision: { kind: existing, kubeconfig: ./kubeconfig }")
    .replace(/^controlPlane:\n.*$/m, "controlPlane: {}")
    .replace("on: [cp-1, gpu-c]", "on: [gpu-a, gpu-c]");
  writeFileSync(path, text + more);
  return path;
}
