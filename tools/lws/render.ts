import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { execa } from "execa";
import { parseAllDocuments, stringify } from "yaml";
import { z } from "zod";

export const LWS_MANIFESTS = "src/infra/data/lws-v0.9.0.yaml";

const header = `# Source: config/default of the Go module sigs.k8s.io/lws v0.9.0, through \`kubectl kustomize\` with tools/lws/kustomization.yaml.
# Written by \`node bin/tandem-dev tools/lws/generate.ts\`; do not edit. The two CustomResourceDefinitions stand on one line
# each and without the descriptions of their fields, which are nine tenths of the 2.8 MB that upstream has.
`;

/**
 * The folder of the module that tools/kubernetes/go.mod names, fetched into `cache` (a folder of the caller's, who removes it)
 * and checked against the committed go.sum. Throws Go's own message where there is no Go or no module proxy.
 */
export async function fetchLwsModule(cache: string): Promise<string> {
  const { stdout } = await execa("go", ["mod", "download", "-json", "sigs.k8s.io/lws"], {
    cwd: new URL("../kubernetes/", import.meta.url),
    // Writable, so that the folder can be removed without ado.
    env: { GOFLAGS: "-modcacherw", GOTOOLCHAIN: "local", GOMODCACHE: cache },
  });
  return z.object({ Dir: z.string() }).parse(JSON.parse(stdout)).Dir;
}

/** The install manifests of LeaderWorkerSet as `src/infra` applies them. */
export async function renderLwsManifests(kubectl: string, module: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "tandem-lws-"));
  try {
    const overlay = await readFile(new URL("kustomization.yaml", import.meta.url), "utf8");
    // kustomize takes no absolute path for a base.
    await writeFile(join(folder, "kustomization.yaml"), overlay.replace("LWS_MODULE", relative(folder, module)));
    const { stdout } = await execa(kubectl, ["kustomize", folder]);
    return (
      header +
      parseAllDocuments(stdout)
        .map((document) => print(document.toJSON()))
        .join("---\n")
    );
  } finally {
    await rm(folder, { recursive: true });
  }
}

function print(object: { kind: string }): string {
  if (object.kind !== "CustomResourceDefinition") return stringify(object, { lineWidth: 0 });
  // A field may itself be named `description`; its schema is an object, the text about it is a string.
  const text = JSON.stringify(object, (key, value) =>
    key === "description" && typeof value === "string" ? undefined : value,
  );
  return `${text}\n`;
}
