import { createHash, type Hash, randomUUID } from "node:crypto";
import { createWriteStream } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { PassThrough, Readable, Transform, Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { type Pack, pack } from "tar-stream";
import type { ImageFile } from "./image-file.ts";
import { packLayer, streamed } from "./layer-tar.ts";

/** A container image as values. The layers are stacked in order; `files` is one more layer on top of `layers`. */
export interface ImageSpec {
  /** Full name with tag, for example `registry.k8s.io/pause:3.10.2`. Several names may point to one image. */
  reference: string | readonly string[];
  layers?: readonly (readonly ImageFile[])[];
  files?: readonly ImageFile[];
  entrypoint?: readonly string[];
  cmd?: readonly string[];
  env?: Readonly<Record<string, string>>;
  /** `uid:gid`, numeric: Kubernetes cannot check `runAsNonRoot` against a name. */
  user?: string;
  workingDir?: string;
  labels?: Readonly<Record<string, string>>;
}

export interface ImageArchive {
  /** The first of `references`. */
  reference: string;
  references: string[];
  path: string;
  /** Of the archive file, lower-case hex. */
  sha256: string;
  bytes: number;
}

/** Writes one image; see {@link writeImages}. */
export function writeImage(image: ImageSpec, outPath: string): Promise<ImageArchive> {
  return writeImages([image], outPath);
}

/**
 * Writes images as one archive in the `docker save` layout, which `ctr images import` and `docker load` read. No engine
 * and no registry takes part. A layer that several images share is in the archive once.
 *
 * The bytes depend on the images alone: two machines get the same sha256. The file appears under its name when it is
 * complete, or not at all.
 */
export async function writeImages(images: readonly ImageSpec[], outPath: string): Promise<ImageArchive> {
  const layers = await measureLayers(images);
  const described = images.map((image) => describe(image, layers));
  await mkdir(dirname(outPath), { recursive: true });
  const part = `${outPath}.${randomUUID()}.part`;
  const sha256 = createHash("sha256");
  const archive = pack();
  try {
    const counted = countBytes(sha256);
    await Promise.all([
      pipeline(archive, counted.stream, createWriteStream(part)),
      addImages(archive, described, layers).catch((error) => {
        archive.destroy(error);
        throw error;
      }),
    ]);
    await rename(part, outPath);
    const references = described.flatMap((image) => image.references);
    return {
      reference: references[0] ?? "",
      references,
      path: outPath,
      sha256: sha256.digest("hex"),
      bytes: counted.bytes(),
    };
  } finally {
    await rm(part, { force: true });
  }
}

interface Layer {
  files: readonly ImageFile[];
  /** sha256 of the uncompressed layer: its `diff_id`, and its name in the archive. */
  digest: string;
  bytes: number;
}
type Layers = Map<readonly ImageFile[], Layer>;

/** Packs each layer once into nothing: a tar header wants the size of the body, and the config wants its digest. */
async function measureLayers(images: readonly ImageSpec[]): Promise<Layers> {
  const layers: Layers = new Map();
  for (const files of images.flatMap(layersOf)) {
    if (layers.has(files)) continue;
    const sha256 = createHash("sha256");
    const counted = countBytes(sha256);
    const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
    await Promise.all([packLayer(files, counted.stream), pipeline(counted.stream, nowhere)]);
    layers.set(files, { files, digest: sha256.digest("hex"), bytes: counted.bytes() });
  }
  return layers;
}

function layersOf({ layers = [], files }: ImageSpec): (readonly ImageFile[])[] {
  return files ? [...layers, files] : [...layers];
}

interface DescribedImage {
  references: string[];
  config: string;
  configName: string;
  layerNames: string[];
}

function describe(image: ImageSpec, layers: Layers): DescribedImage {
  const digests = layersOf(image).map((files) => layers.get(files)?.digest ?? "");
  const config = JSON.stringify({
    architecture: process.arch === "x64" ? "amd64" : process.arch,
    os: "linux",
    created: "1970-01-01T00:00:00Z",
    config: {
      Env: Object.entries({ PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", ...image.env }).map(
        ([name, value]) => `${name}=${value}`,
      ),
      ...(image.entrypoint && { Entrypoint: image.entrypoint }),
      ...(image.cmd && { Cmd: image.cmd }),
      ...(image.user && { User: image.user }),
      ...(image.workingDir && { WorkingDir: image.workingDir }),
      ...(image.labels && { Labels: image.labels }),
    },
    rootfs: { type: "layers", diff_ids: digests.map((digest) => `sha256:${digest}`) },
    history: digests.map(() => ({ created: "1970-01-01T00:00:00Z", created_by: "tandem" })),
  });
  return {
    references: typeof image.reference === "string" ? [image.reference] : [...image.reference],
    config,
    configName: `${createHash("sha256").update(config).digest("hex")}.json`,
    layerNames: digests.map((digest) => `${digest}.tar`),
  };
}

async function addImages(archive: Pack, images: readonly DescribedImage[], layers: Layers): Promise<void> {
  const header = { mode: 0o644, uid: 0, gid: 0, mtime: new Date(0), uname: "", gname: "" };
  const addText = (name: string, text: string) =>
    streamed(archive, { ...header, name, size: Buffer.byteLength(text) }, Readable.from([Buffer.from(text)]));
  for (const [name, config] of new Map(images.map((image) => [image.configName, image.config])))
    await addText(name, config);
  const byName = new Map([...layers.values()].map((layer) => [`${layer.digest}.tar`, layer]));
  for (const [name, { files, bytes }] of byName) {
    const body = new PassThrough();
    await Promise.all([packLayer(files, body), streamed(archive, { ...header, name, size: bytes }, body)]);
  }
  // Last, as `docker save` does: a reader that streams has seen every blob when it learns what they are for.
  const manifest = images.map((image) => ({
    Config: image.configName,
    RepoTags: image.references,
    Layers: image.layerNames,
  }));
  await addText("manifest.json", JSON.stringify(manifest));
  archive.finalize();
}

function countBytes(sha256: Hash): { stream: Transform; bytes: () => number } {
  let bytes = 0;
  const stream = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      sha256.update(chunk);
      done(null, chunk);
    },
  });
  return { stream, bytes: () => bytes };
}
