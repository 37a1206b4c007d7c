import { createHash } from "node:crypto";
import { createReadStream, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { extract } from "tar-stream";
import { describe, expect, test } from "vitest";
import { imagesDir } from "../../../src/machines/home.ts";
import { type NodeImageTools, nodeImageReferences, nodeImages } from "../../../src/machines/images/node-images.ts";
import type { ImageArchive } from "../../../src/machines/images/write-image.ts";
import type { ResolvedTool } from "../../../src/machines/tools/resolve.ts";
import { temporaryFolders } from "../../support/temporary-folder.ts";

const folder = temporaryFolders();

/** A home whose tools are small files, and whose iptables were fetched before. */
function homeWith(contents: Record<string, string> = {}): { home: string; tools: NodeImageTools } {
  const home = folder();
  const iptables = join(imagesDir(home), `iptables-2-${process.arch}`);
  const put = (path: string, text: string) => {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  };
  put(join(iptables, "packages.json"), JSON.stringify({ iptables: "1.8.9-2" }));
  put(join(iptables, "root/usr/sbin/xtables-nft-multi"), "iptables");
  put(join(iptables, "root/etc/protocols"), "tcp 6");
  const tool = (name: "kubernetes" | "etcd" | "coredns" | "lws" | "pause", version: string): ResolvedTool => {
    const text = contents[name] ?? `program ${name}`;
    const path = join(home, "tools", `${name}-${version}`, name);
    put(path, text);
    const sha256 = createHash("sha256").update(text).digest("hex");
    return { name, version, path, sha256, bytes: text.length, source: "cache" };
  };
  const tools: NodeImageTools = {
    kubernetes: tool("kubernetes", "1.36.3"),
    etcd: tool("etcd", "3.6.14"),
    coredns: tool("coredns", "1.14.2"),
    lws: tool("lws", "0.9.0"),
    pause: tool("pause", "3.10.2"),
  };
  return { home, tools };
}

/** The small files of an archive, and the paths in its layers. */
async function open(archive: ImageArchive): Promise<{ texts: Map<string, string>; layers: Map<string, string[]> }> {
  const texts = new Map<string, string>();
  const layers = new Map<string, string[]>();
  const outer = extract();
  outer.on("entry", (header, stream, next) => {
    const chunks: Buffer[] = [];
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.on("end", async () => {
      const bytes = Buffer.concat(chunks);
      if (header.name.endsWith(".json")) texts.set(header.name, bytes.toString());
      else layers.set(header.name, await paths(bytes));
      next();
    });
  });
  await pipeline(createReadStream(archive.path), outer);
  return { texts, layers };
}

async function paths(layer: Buffer): Promise<string[]> {
  const found: string[] = [];
  const inner = extract();
  inner.on("entry", (header, stream, next) => {
    found.push(header.type === "symlink" ? `${header.name} -> ${header.linkname}` : header.name);
    stream.on("end", next).resume();
  });
  await pipeline([layer], inner);
  return found;
}

describe("the images of a node", () => {
  test("carry the names that kubeadm and the manifests of LeaderWorkerSet use", async () => {
    const { home, tools } = homeWith();
    const archives = await nodeImages(tools, { home });
    expect(archives.flatMap(({ references }) => references).sort()).toEqual(Object.values(nodeImageReferences).sort());
    for (const { path, sha256, bytes } of archives) {
      const content = readFileSync(path);
      expect([createHash("sha256").update(content).digest("hex"), content.length]).toEqual([sha256, bytes]);
    }
  });

  test("share one layer among the programs of Kubernetes; kube-proxy has iptables on top", async () => {
    const { home, tools } = homeWith();
    const archives = await nodeImages(tools, { home });
    const kubernetes = archives.find(({ references }) => references.includes(nodeImageReferences.proxy));
    const { texts, layers } = await open(kubernetes as ImageArchive);
    const manifest: { RepoTags: string[]; Layers: string[] }[] = JSON.parse(texts.get("manifest.json") ?? "");
    expect(manifest.map(({ Layers }) => Layers.length)).toEqual([1, 2]);
    expect(manifest[0]?.Layers[0]).toBe(manifest[1]?.Layers[0]);
    expect(layers.size).toBe(2);
    expect(layers.get(manifest[0]?.Layers[0] ?? "")).toContain("usr/local/bin/kube-apiserver -> kubernetes");
    const iptables = layers.get(manifest[1]?.Layers[1] ?? "");
    expect(iptables).toContain("usr/sbin/iptables-restore -> xtables-nft-multi");
    expect(iptables).toContain("usr/sbin/xtables-nft-multi");
  });

  test("name a numeric user where the manifest wants no root", async () => {
    const { home, tools } = homeWith();
    const archives = await nodeImages(tools, { home });
    const lws = archives.find(({ reference }) => reference === nodeImageReferences.lws);
    const { texts } = await open(lws as ImageArchive);
    const [config = ""] = [...texts].flatMap(([name, text]) => (name === "manifest.json" ? [] : [text]));
    expect(JSON.parse(config).config).toMatchObject({ User: "65532:65532", Entrypoint: ["/manager"] });
  });

  test("are the same bytes on another machine, and are not written twice", async () => {
    const [here, there] = [homeWith(), homeWith()];
    const first = await nodeImages(here.tools, { home: here.home });
    const other = await nodeImages(there.tools, { home: there.home });
    expect(other.map(({ sha256 }) => sha256)).toEqual(first.map(({ sha256 }) => sha256));
    // A program that is gone cannot be read again: the second call takes what is there.
    const unreadable = { ...here.tools, etcd: { ...here.tools.etcd, path: "/nowhere" } };
    expect(await nodeImages(unreadable, { home: here.home })).toEqual(first);
  });

  test("are written again when a program changed, and the old archive is gone", async () => {
    const { home, tools } = homeWith();
    const before = await nodeImages(tools, { home });
    writeFileSync(tools.coredns.path, "another coredns");
    const coredns = { ...tools.coredns, sha256: "1".repeat(64), bytes: 15 };
    const after = await nodeImages({ ...tools, coredns }, { home });
    const changed = after.filter(({ sha256 }) => !before.some((archive) => archive.sha256 === sha256));
    expect(changed.map(({ reference }) => reference)).toEqual([nodeImageReferences.coredns]);
    expect(readdirSync(imagesDir(home)).filter((name) => /coredns.*\.tar$/.test(name))).toHaveLength(1);
  });

  test("are made by one of two commands that want them at once", async () => {
    const { home, tools } = homeWith();
    const [one, two] = await Promise.all([nodeImages(tools, { home }), nodeImages(tools, { home })]);
    expect(one).toEqual(two);
    expect(readdirSync(imagesDir(home)).filter((name) => /part|lock/.test(name))).toEqual([]);
  });

  test("are not made of a program that nobody knows the content of", async () => {
    const { home, tools } = homeWith();
    const { sha256: _unknown, ...etcd } = tools.etcd;
    await expect(nodeImages({ ...tools, etcd }, { home })).rejects.toThrow("etcd at");
  });
});
