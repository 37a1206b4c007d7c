import { fileURLToPath } from "node:url";
import type { ImageFile } from "../machines/images/image-file.ts";
import { keptBundle } from "../machines/images/kept-bundle.ts";
import { keptImage } from "../machines/images/kept-image.ts";
import { nodeRuntimeFiles } from "../machines/images/node-runtime.ts";
import type { ImageArchive } from "../machines/images/write-image.ts";
import { EMULATOR_IMAGE } from "../spec/schema-engine.ts";

export interface EmulatorImageOptions {
  /** TANDEM_HOME; the archive is kept under its `images/`. */
  home?: string;
  /** `EMULATOR_*` variables that every engine of this image starts with: load time, rates, capacity. */
  env?: Readonly<Record<string, string>>;
}

const LIB = "usr/lib/tandem";

/**
 * Writes the emulator's image from this computer's own files: Node, a shell for the ranks, the libraries of both and two
 * bundles. About 130 MB, nearly all of it Node. The same inputs give the same archive, which is then only read.
 */
export async function emulatorImage({ home, env = {} }: EmulatorImageOptions = {}): Promise<ImageArchive> {
  return keptImage(
    {
      name: "sglang-emulator",
      reference: EMULATOR_IMAGE,
      files: await imageFiles(home),
      env: {
        ...env,
        EMULATOR_RANK_SCRIPT: `/${LIB}/rank.sh`,
        EMULATOR_DEVICE_PLUGIN: `/${LIB}/device-plugin.cjs`,
        EMULATOR_DEVICE_PLUGIN_PROTO: `/${LIB}/deviceplugin.proto`,
        // A young generation of 2 MiB: an engine holds little, and four of them share this computer.
        NODE_OPTIONS: "--max-semi-space-size=2",
      },
      labels: { "org.opencontainers.image.title": "SGLang 0.5.23, emulated" },
    },
    home,
  );
}

async function imageFiles(home: string | undefined): Promise<ImageFile[]> {
  const here = (name: string) => fileURLToPath(new URL(name, import.meta.url));
  // CommonJS: the program file is called `python3`, and Node takes a file without extension for CommonJS.
  const bundle = (entry: string, banner: string) =>
    keptBundle(
      new URL(entry, import.meta.url),
      {
        format: "cjs",
        banner,
        external: ["../gpu/device-plugin-main.ts", "../gpu/device-plugin-main.js"],
      },
      home,
    );
  return [
    ...(await nodeRuntimeFiles({ "/bin/sh": "bin/sh" })),
    { path: "usr/bin/python3", content: await bundle("engine/python3.ts", "#!/usr/bin/node"), mode: 0o755 },
    { path: `${LIB}/device-plugin.cjs`, content: await bundle("gpu/device-plugin-main.ts", "") },
    { path: `${LIB}/rank.sh`, from: here("engine/rank.sh"), mode: 0o644 },
    { path: `${LIB}/deviceplugin.proto`, from: here("gpu/deviceplugin.proto"), mode: 0o644 },
    { path: `${LIB}/nvidia-smi.sh`, from: here("gpu/nvidia-smi.sh"), mode: 0o755 },
    { path: "run/tandem", directory: true },
  ];
}
