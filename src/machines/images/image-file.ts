/** One entry of a layer. Paths are relative to the root of the image, without a leading slash. */
export type ImageFile = {
  path: string;
  /** Permission bits. Default 0755 for folders and for files copied with `from`, 0644 for `content`. */
  mode?: number;
  /** Numeric owner and group. Default 0. */
  uid?: number;
  gid?: number;
} & ({ from: string } | { content: string | Uint8Array } | { symlink: string } | { directory: true });

/** Entry of a layer as it is written: every field decided, in the order of the archive. */
export interface LayerEntry {
  path: string;
  mode: number;
  uid: number;
  gid: number;
  source:
    | { kind: "file"; from: string }
    | { kind: "bytes"; bytes: Uint8Array }
    | { kind: "symlink"; target: string }
    | { kind: "directory" };
}

/**
 * Puts the files of a layer in the one order and form that makes its bytes repeatable: parents before children, sorted
 * by path, missing parent folders added.
 *
 * @throws Error when a path is absolute, leaves the root, or is there twice: each is a fault of the caller.
 */
export function layerEntries(files: readonly ImageFile[]): LayerEntry[] {
  const entries = new Map<string, LayerEntry>();
  for (const file of files) {
    const path = checkedPath(file.path);
    if (entries.has(path)) throw new Error(`${path} is twice in one layer`);
    const source = sourceOf(file);
    const mode = file.mode ?? (source.kind === "bytes" ? 0o644 : source.kind === "symlink" ? 0o777 : 0o755);
    entries.set(path, { path, mode, uid: file.uid ?? 0, gid: file.gid ?? 0, source });
  }
  for (const path of [...entries.keys()]) {
    for (let at = path.lastIndexOf("/"); at > 0; at = path.lastIndexOf("/", at - 1)) {
      const parent = path.slice(0, at);
      const there = entries.get(parent);
      if (there && there.source.kind !== "directory")
        throw new Error(`${path} is inside ${parent}, which is not a folder`);
      if (!there) entries.set(parent, { path: parent, mode: 0o755, uid: 0, gid: 0, source: { kind: "directory" } });
    }
  }
  // Byte order, not the order of a locale, which differs between machines.
  return [...entries.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
}

function checkedPath(path: string): string {
  const parts = path.split("/");
  if (parts.some((part) => part === "" || part === "." || part === "..")) {
    throw new Error(`${JSON.stringify(path)} is not a plain path relative to the root of the image`);
  }
  return path;
}

function sourceOf(file: ImageFile): LayerEntry["source"] {
  if ("from" in file) return { kind: "file", from: file.from };
  if ("symlink" in file) return { kind: "symlink", target: file.symlink };
  if ("directory" in file) return { kind: "directory" };
  return { kind: "bytes", bytes: typeof file.content === "string" ? Buffer.from(file.content) : file.content };
}
