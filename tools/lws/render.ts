import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { execa } from "execa";
import { parseAllDocuments, stringify } from "yaml";

export const LWS_MANIFESTS = "src/infra/data/lws-v0.9.0.yaml";

const header = `# Source: config/default of the Go module sigs.k8s.io/lws v0.9.0, through \`kubectl kustomize\` with tools/lws/kustomization.yaml.
# Written by \`node bin/tandem-dev tools/lws/generate.ts\`; do not edit. The two CustomResourceDefinitions stand on one line
# each and without the descriptions of their fields, which are nine tenths of the 2.8 MB that upstream has.
`;

/** The folder of the module that tools/kubernetes/go.mod names, or `undefined` where Go or the module is not there. */
export async function lwsModule(): Promise<string | undefined> {
  const listed = await execa("go", ["list", "-m", "-mod=readonly", "-f", "{{.Dir}}", "sigs.k8s.io/lws"], {
    cwd: new URL("../kubernetes/", import.meta.url),
    env: { GOPROXY: "off", GOTOOLCHAIN: "local" },
    reject: false,
  });
  return listed.exitCode === 0 && listed.stdout !== "" ? listed.stdout : undefined;
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
