import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { pipeline } from "node:stream/promises";
import { engineDir } from "../home.ts";
import type { ImageFile } from "../images/image-file.ts";
import { packLayer } from "../images/layer-tar.ts";
import type { ImageArchive } from "../images/write-image.ts";
import { withLock } from "../lock.ts";
import { BAKE_SCRIPT, bakeImages } from "./bake.ts";
import { BASE_RECIPE, importBaseImage } from "./base-image.ts";
import { createContainer, putArchive, removeContainer } from "./container.ts";
import { STOP_SIGNAL } from "./container-options.ts";
import type { Engine } from "./engine.ts";
import { assertSpace } from "./host-settings.ts";
import { builderPrefix } from "./labels.ts";
import { MACHINE_SUITE, machineFiles } from "./machine-files.ts";
import { removeBuilders, removeOldImages } from "./old-images.ts";

export interface MachineImageOptions {
  /** The multi-call Kubernetes binary, put where server preparation looks for it. Left out: a bare machine. */
  kubernetes?: { path: string };
  /** Container images that nodes need. */
  archives?: readonly ImageArchive[];
  onProgress?: (text: string) => void;
  signal?: AbortSignal | undefined;
}

export interface MachineImage {
  /** Named by a digest of all that went in: the same inputs are the same image. */
  reference: string;
  /** False when it was there already. */
  built: boolean;
}

/** Steps of a build, each an image of its own: a change of the last one does not repeat the first ones. */
interface Stage {
  reference: string;
  build: () => Promise<void>;
}

// Measured: engine data of one image with all stages, and the archive on its way.
export const SPACE_GIB = 8;

/**
 * The first stage alone, which needs nothing that Tandem makes: it can be built while the programs for the later ones are.
 *
 * @throws TandemError E_NO_SPACE, E_NO_APT, E_APT, E_BASE_IMAGE
 */
export async function ensureBaseImage(
  engine: Engine,
  { onProgress, signal }: Pick<MachineImageOptions, "onProgress" | "signal"> = {},
): Promise<void> {
  await withLock(imageLock(engine), signal, () => build(engine, [baseStage(engine, onProgress, signal)], onProgress));
}

/**
 * The image of a machine: Debian from packages, the Kubernetes binary, all container images imported. Built when an
 * input changed, one build at a time. A killed build is taken up at its last finished stage.
 *
 * @throws TandemError E_NO_SPACE, E_NO_APT, E_APT, E_BASE_IMAGE, E_BAKE.
 */
export async function ensureMachineImage(engine: Engine, options: MachineImageOptions = {}): Promise<MachineImage> {
  const { kubernetes, archives = [], onProgress, signal } = options;
  return withLock(imageLock(engine), signal, async () => {
    const files = machineFiles();
    const first = baseStage(engine, onProgress, signal);
    const base = first.reference;
    const binary = kubernetes && (await kubernetesFile(kubernetes.path));
    const inputs = [base, binary?.path ?? "", archives.map(({ sha256 }) => sha256).sort(), BAKE_SCRIPT];
    const baked = `tandem-baked:${digest(inputs)}`;
    const reference = `tandem-machine:${digest([baked, files])}`;
    const stages: Stage[] = [
      first,
      {
        reference: baked,
        build: () => buildBaked(engine, { base, reference: baked, binary, archives, onProgress, signal }),
      },
      { reference, build: () => commitLayer(engine, baked, reference, [packed(files)], signal) },
    ];
    if (!(await build(engine, stages, onProgress))) return { reference, built: false };
    await removeOldImages(engine, new Set(stages.map((stage) => stage.reference)));
    return { reference, built: true };
  });
}

interface BakedOptions {
  onProgress: ((text: string) => void) | undefined;
  signal: AbortSignal | undefined;
  base: string;
  reference: string;
  binary: (ImageFile & { path: string }) | undefined;
  archives: readonly ImageArchive[];
}

async function buildBaked(engine: Engine, options: BakedOptions): Promise<void> {
  const { base, reference, binary, archives, onProgress, signal } = options;
  const layers = binary ? [packed([binary])] : [];
  if (archives.length === 0) return commitLayer(engine, base, reference, layers, signal);
  const mib = archives.reduce((sum, { bytes }) => sum + bytes, 0) / 2 ** 20;
  onProgress?.(`importing ${archives.length} image archives, ${mib.toFixed(0)} MiB`);
  const baked = await bakeImages(engine, base, archives, signal);
  try {
    await commitLayer(engine, base, reference, [...layers, baked.files], signal);
  } finally {
    await baked.done();
  }
}

/** One more layer: the archives unpacked over `from`, under a new name. Nothing runs in it. */
async function commitLayer(
  engine: Engine,
  from: string,
  reference: string,
  archives: readonly NodeJS.ReadableStream[],
  signal: AbortSignal | undefined,
): Promise<void> {
  const config = {
    Image: from,
    Labels: {},
    Entrypoint: ["/usr/local/sbin/machine-entry"],
    StopSignal: STOP_SIGNAL,
    NetworkDisabled: true,
  };
  const id = await createContainer(engine.api, `${builderPrefix(engine)}layer`, { ...config, HostConfig: {} }, signal);
  try {
    for (const archive of archives) await putArchive(engine.api, id, archive as PassThrough, signal);
    const [repo = "", tag = ""] = reference.split(":");
    await engine.api.call("POST", "/commit", {
      query: { container: id, repo, tag },
      body: { ...config, NetworkDisabled: false },
      timeoutMs: 600_000,
      signal,
    });
  } finally {
    await removeContainer(engine.api, id);
  }
}

function packed(files: readonly ImageFile[]): PassThrough {
  const archive = new PassThrough();
  packLayer(files, archive).catch((error) => archive.destroy(error));
  return archive;
}

async function kubernetesFile(path: string): Promise<ImageFile & { path: string }> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash);
  return { path: `opt/tandem/bin/kubernetes-${hash.digest("hex")}`, from: path, mode: 0o755 };
}

/** Held by whoever builds an image. */
export function imageLock({ home }: Pick<Engine, "home">): string {
  return join(engineDir(home), "image.lock");
}

function baseStage(
  engine: Engine,
  onProgress: MachineImageOptions["onProgress"],
  signal: MachineImageOptions["signal"],
): Stage {
  const reference = `tandem-base:${digest([MACHINE_SUITE, BASE_RECIPE])}`;
  return { reference, build: () => importBaseImage(engine, reference, { ...(onProgress && { onProgress }), signal }) };
}

/** Builds the stages that are missing, if the last one is. Answers whether it was. */
async function build(
  engine: Engine,
  stages: readonly Stage[],
  onProgress: MachineImageOptions["onProgress"],
): Promise<boolean> {
  if (await exists(engine, stages.at(-1)?.reference ?? "")) return false;
  await assertSpace(engine.dataRoot, SPACE_GIB, "the machine image");
  await removeBuilders(engine);
  for (const stage of stages) {
    if (await exists(engine, stage.reference)) continue;
    onProgress?.(`building ${stage.reference}`);
    await stage.build();
  }
  return true;
}

async function exists(engine: Engine, reference: string): Promise<boolean> {
  return (await engine.api.find(`/images/${reference}/json`)) !== undefined;
}

function digest(inputs: unknown): string {
  return createHash("sha256").update(JSON.stringify(inputs)).digest("hex").slice(0, 16);
}
