import { createHash } from "node:crypto";
import { readdir, readFile, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { imagesDir } from "../home.ts";
import { withLock } from "../lock.ts";
import { replaceFile } from "../replace-file.ts";
import type { ToolName } from "../tools/catalogue.ts";
import type { ResolvedTool } from "../tools/resolve.ts";
import type { ImageFile } from "./image-file.ts";
import { iptablesFiles } from "./iptables-files.ts";
import { type ImageArchive, type ImageSpec, writeImages } from "./write-image.ts";

/** What the images of a node are made of. */
export type NodeImageTools = Record<
  Extract<ToolName, "kubernetes" | "etcd" | "coredns" | "lws" | "pause">,
  ResolvedTool
>;

// What `kubeadm config images list` of 1.36.3 prints; test/machines/images/node-images.test.ts asks the real one.
// kubeadm names etcd 3.6.8 and pause 3.10.2: ours answer to these names and carry their true version as a label.
const registry = "registry.k8s.io";
export const nodeImageReferences = {
  pause: `${registry}/pause:3.10.2`,
  apiserver: `${registry}/kube-apiserver:v1.36.3`,
  controllerManager: `${registry}/kube-controller-manager:v1.36.3`,
  scheduler: `${registry}/kube-scheduler:v1.36.3`,
  proxy: `${registry}/kube-proxy:v1.36.3`,
  etcd: `${registry}/etcd:3.6.8-0`,
  coredns: `${registry}/coredns/coredns:v1.14.2`,
  lws: `${registry}/lws/lws:v0.9.0`,
} as const;

/**
 * Archives of every image that a cluster's nodes run, under the references that kubeadm and LWS's manifests use, for
 * `ctr -n k8s.io images import` on each node. Kept under `images/`; an archive is written again when a program in it
 * changed, and the old one is removed.
 *
 * The three programs of the control plane and kube-proxy are one file: the four images are in one archive (160 MB) and
 * share its layer, so that a node stores it once.
 *
 * @throws TandemError as {@link iptablesFiles}; Error when a tool has no known sha256, as one found on PATH
 */
export async function nodeImages(
  tools: NodeImageTools,
  options: { home?: string; signal?: AbortSignal } = {},
): Promise<ImageArchive[]> {
  return withLock(join(imagesDir(options.home), "node-images.lock"), options.signal, async () => {
    const iptables = await iptablesFiles(options);
    const { kubernetes, etcd, coredns, lws, pause } = tools;
    const nodePrograms = kubernetesImages(kubernetes, iptables.files);
    const written = await Promise.allSettled([
      keptArchive("pause", [pause], [pauseImage(pause)], options.home),
      keptArchive("kubernetes", [kubernetes, iptables.packages], nodePrograms, options.home),
      keptArchive("etcd", [etcd], [etcdImage(etcd)], options.home),
      keptArchive("coredns", [coredns], [corednsImage(coredns)], options.home),
      keptArchive("lws", [lws], [lwsImage(lws)], options.home),
    ]);
    // All have ended before one failure is told: nothing is written after the lock is given back.
    return written.map((archive) => {
      if (archive.status === "rejected") throw archive.reason;
      return archive.value;
    });
  });
}

function pauseImage(tool: ResolvedTool): ImageSpec {
  return {
    reference: nodeImageReferences.pause,
    files: [{ path: "pause", from: tool.path }],
    entrypoint: ["/pause"],
    user: "65535:65535",
    labels: versionLabel(tool),
  };
}

function kubernetesImages(tool: ResolvedTool, iptables: readonly ImageFile[]): ImageSpec[] {
  const program: ImageFile[] = [
    { path: "usr/local/bin/kubernetes", from: tool.path },
    ...["kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy"].map(
      (name): ImageFile => ({ path: `usr/local/bin/${name}`, symlink: "kubernetes" }),
    ),
  ];
  const { apiserver, controllerManager, scheduler, proxy } = nodeImageReferences;
  return [
    { reference: [apiserver, controllerManager, scheduler], layers: [program], labels: versionLabel(tool) },
    { reference: proxy, layers: [program, iptables], labels: versionLabel(tool) },
  ];
}

function etcdImage(tool: ResolvedTool): ImageSpec {
  return {
    reference: nodeImageReferences.etcd,
    files: [
      { path: "usr/local/bin/etcd", from: tool.path },
      { path: "usr/local/bin/etcdctl", symlink: "etcd" },
      { path: "usr/local/bin/etcdutl", symlink: "etcd" },
    ],
    labels: versionLabel(tool),
  };
}

function corednsImage(tool: ResolvedTool): ImageSpec {
  // Root inside the container, because port 53 is privileged there; kubeadm's manifest drops all other capabilities.
  return {
    reference: nodeImageReferences.coredns,
    files: [{ path: "coredns", from: tool.path }],
    entrypoint: ["/coredns"],
    labels: versionLabel(tool),
  };
}

function lwsImage(tool: ResolvedTool): ImageSpec {
  return {
    reference: nodeImageReferences.lws,
    files: [
      { path: "manager", from: tool.path },
      { path: "tmp", directory: true, mode: 0o1777 },
    ],
    entrypoint: ["/manager"],
    // Numeric: the manifest says `runAsNonRoot`, which the kubelet cannot check against a name.
    user: "65532:65532",
    labels: versionLabel(tool),
  };
}

function versionLabel({ version }: ResolvedTool): Record<string, string> {
  return { "org.opencontainers.image.version": version };
}

async function keptArchive(
  name: string,
  parts: readonly (ResolvedTool | Record<string, string>)[],
  images: readonly ImageSpec[],
  home: string | undefined,
): Promise<ImageArchive> {
  const key = contentKey(parts, images);
  const path = join(imagesDir(home), `node-${name}-${key}.tar`);
  const kept = await readKept(path);
  if (kept) return kept;
  const archive = await writeImages(images, path);
  await replaceFile(`${path}.json`, JSON.stringify(archive));
  for (const entry of await readdir(dirname(path))) {
    if (entry.startsWith(`node-${name}-`) && !entry.startsWith(`node-${name}-${key}`))
      await rm(join(dirname(path), entry));
  }
  return archive;
}

/** Names what goes in by the hash of the programs, not by their paths, which differ between homes. */
function contentKey(parts: readonly (ResolvedTool | Record<string, string>)[], images: readonly ImageSpec[]): string {
  const contents = parts.map((part) => ("source" in part && "path" in part ? sha256Of(part as ResolvedTool) : part));
  const withoutSources = JSON.stringify([contents, images], (field, value) => (field === "from" ? undefined : value));
  return createHash("sha256").update(withoutSources).digest("hex").slice(0, 16);
}

function sha256Of({ name, sha256, path }: ResolvedTool): string {
  if (sha256 === undefined)
    throw new Error(`${name} at ${path} has no known sha256: an image of it would never be stale`);
  return sha256;
}

async function readKept(path: string): Promise<ImageArchive | undefined> {
  try {
    const archive: ImageArchive = JSON.parse(await readFile(`${path}.json`, "utf8"));
    return (await stat(path)).size === archive.bytes ? { ...archive, path } : undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
