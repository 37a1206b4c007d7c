import { createHash } from "node:crypto";
import { access, mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { TandemError } from "../../errors.ts";

/** Everything the private engine and the image build need that a bare Debian may lack. */
export const ENGINE_PACKAGES = [
  "docker.io",
  "containerd",
  "runc",
  "iptables",
  "iproute2",
  "openssh-client",
  "mmdebstrap",
  "debian-archive-keyring",
] as const;

/** Programs unpacked from packages, found without installing them. */
export interface UnpackedPackages {
  root: string;
  /** To be put before the PATH of the host. */
  binDirs: string[];
  /** For LD_LIBRARY_PATH: the libraries that the host does not have. */
  libDirs: string[];
}

/**
 * Downloads Debian packages with apt and unpacks them under `folder`. Nothing is installed: no service starts, no
 * file of the host changes, another `docker` on PATH stays what it is, and removing the folder removes all of it.
 * Packages that the host has installed already are used from the host.
 *
 * @throws TandemError E_NO_APT without apt, E_APT when apt cannot fetch.
 */
export async function unpackDebianPackages(
  folder: string,
  packages: readonly string[],
  { onProgress, signal }: { onProgress?: (text: string) => void; signal?: AbortSignal | undefined } = {},
): Promise<UnpackedPackages> {
  const root = join(folder, "root");
  const stamp = join(folder, "packages.json");
  const key = createHash("sha256").update(JSON.stringify(packages)).digest("hex");
  if ((await readFile(stamp, "utf8").catch(() => "")) !== key) {
    onProgress?.(`downloading ${packages.slice(0, 3).join(", ")} and what they need (66 MB on a bare Debian 12)`);
    await fetchAndUnpack(folder, root, packages, signal);
    // Written last: a killed download is done again from the start of what is missing, never taken for complete.
    await writeFile(stamp, key);
  }
  const lib = join(root, "usr/lib");
  const triplets = (await readdir(lib)).filter((name) => name.endsWith("-linux-gnu"));
  return {
    root,
    binDirs: ["usr/sbin", "usr/bin", "sbin", "bin"].map((dir) => join(root, dir)),
    libDirs: [...triplets.map((name) => join(lib, name)), lib],
  };
}

async function fetchAndUnpack(folder: string, root: string, packages: readonly string[], signal?: AbortSignal) {
  await access("/usr/bin/apt-get").catch((cause) => {
    throw new TandemError({
      code: "E_NO_APT",
      what: "no container engine",
      why: "no Docker daemon runs here, and there is no apt-get to fetch Debian's docker.io with",
      fix: "install and start Docker (rootful, on this machine), then run the same command again",
      cause,
    });
  });
  const apt = await ownApt(folder);
  await runApt([...apt, "update", "-qq"], signal);
  await runApt([...apt, "install", "--download-only", "--no-install-recommends", "-y", "-qq", ...packages], signal);
  const archives = join(folder, "debs");
  const unpacked = `${root}.new`;
  await rm(unpacked, { recursive: true, force: true });
  await mkdir(join(unpacked, "usr/lib"), { recursive: true });
  for (const name of await readdir(archives)) {
    if (!name.endsWith(".deb")) continue;
    await execa("dpkg-deb", ["-x", join(archives, name), unpacked], { ...(signal && { cancelSignal: signal }) });
  }
  await rm(root, { recursive: true, force: true });
  await rename(unpacked, root);
  await rm(archives, { recursive: true });
  await rm(join(folder, "apt"), { recursive: true });
}

/** apt with its own lists and archives: the host's package lists stay as they were. */
async function ownApt(folder: string): Promise<string[]> {
  const lists = join(folder, "apt/lists");
  const archives = join(folder, "debs");
  await mkdir(join(lists, "partial"), { recursive: true });
  await mkdir(join(archives, "partial"), { recursive: true });
  const settings = {
    "Dir::State::lists": lists,
    "Dir::Cache::archives": archives,
    "Dir::Cache::pkgcache": "",
    "Dir::Cache::srcpkgcache": "",
    // The user _apt could not write below a home folder with mode 0700.
    "APT::Sandbox::User": "root",
  };
  return Object.entries(settings).flatMap(([name, value]) => ["-o", `${name}=${value}`]);
}

async function runApt(args: string[], signal: AbortSignal | undefined): Promise<void> {
  try {
    await execa("apt-get", args, {
      env: { DEBIAN_FRONTEND: "noninteractive", LC_ALL: "C" },
      all: true,
      ...(signal && { cancelSignal: signal }),
    });
  } catch (cause) {
    signal?.throwIfAborted();
    const lines = String((cause as { all?: string }).all ?? cause)
      .split("\n")
      .filter((line) => /^[EW]:/.test(line));
    throw new TandemError({
      code: "E_APT",
      what: "Debian packages could not be fetched",
      why: lines.slice(0, 3).join("; ") || String((cause as Error).message).slice(0, 300),
      fix: "check `apt-get update` on this machine, then run the same command again",
      cause,
    });
  }
}
