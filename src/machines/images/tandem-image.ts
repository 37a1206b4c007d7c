import { access, constants } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { TandemError } from "../../errors.ts";
import { TANDEM_IMAGE } from "../../manifests/names.ts";
import type { Program } from "./bundle-program.ts";
import { keptBundle } from "./kept-bundle.ts";
import { keptImage } from "./kept-image.ts";
import { nodeRuntimeFiles } from "./node-runtime.ts";
import type { ImageArchive } from "./write-image.ts";

export interface TandemImageOptions {
  programs: readonly Program[];
  /** TANDEM_HOME; the archive is kept under its `images/`. */
  home?: string | undefined;
  /** Programs of this computer that ours start, found on PATH: `cat` follows a device, `nsenter` enters the server. */
  tools?: readonly string[];
}

/**
 * Writes the one image of all programs that run in the cluster, from this computer's own files: Node, the libraries it
 * needs, and a bundle each. No registry and no container engine takes part.
 *
 * @throws TandemError E_IMAGE_TOOL when one of `tools` is not on PATH
 */
export async function tandemImage({
  programs,
  home,
  tools = ["cat", "nsenter"],
}: TandemImageOptions): Promise<ImageArchive> {
  const found = await Promise.all(tools.map(async (name) => [await onPath(name), `usr/bin/${name}`] as const));
  const bundles = programs.map(async ({ name, entry, format = "esm" }) => ({
    path: `usr/lib/tandem/${name}.${format === "esm" ? "mjs" : "cjs"}`,
    content: await keptBundle(entry, { format }, home),
  }));
  return keptImage(
    {
      name: "tandem",
      reference: TANDEM_IMAGE,
      files: [...(await nodeRuntimeFiles(Object.fromEntries(found))), ...(await Promise.all(bundles))],
      labels: { "org.opencontainers.image.title": "Tandem" },
    },
    home,
  );
}

async function onPath(name: string): Promise<string> {
  for (const folder of (process.env.PATH ?? "").split(delimiter)) {
    const path = join(folder, name);
    if (
      await access(path, constants.X_OK).then(
        () => true,
        () => false,
      )
    )
      return path;
  }
  throw new TandemError({
    code: "E_IMAGE_TOOL",
    what: "the image of the agent and the gateway cannot be made",
    why: `it takes \`${name}\` from this computer, and there is none on PATH`,
    fix: `install ${name === "nsenter" ? "util-linux" : name}, then run the same command again`,
  });
}
