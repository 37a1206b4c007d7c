import { mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { TandemError } from "../../errors.ts";

export interface UnpackedPackages {
  /** A folder laid out like the root of a system, holding the files of the packages. */
  root: string;
  /** Package name → version, as in the archive of this computer's distribution. */
  packages: Record<string, string>;
}

/**
 * Downloads a Debian package and what it directly depends on, checked by apt against the signed index, and unpacks them
 * without installing: no file of this computer changes and no maintainer script runs.
 *
 * @param into an existing folder of the caller's, on which everything is put and which the caller removes
 * @throws TandemError `E_NO_APT` where there is no apt, `E_APT` when a download fails
 */
export async function unpackPackage(name: string, into: string, signal?: AbortSignal): Promise<UnpackedPackages> {
  const downloads = await mkdtemp(join(into, "debs-"));
  const root = join(into, "root");
  await mkdir(root, { recursive: true });
  const run = (file: string, args: readonly string[], cwd = downloads) =>
    execa(file, args, { cwd, env: { LC_ALL: "C" }, ...(signal && { cancelSignal: signal }) });
  try {
    const names = [name, ...(await dependencies(name, run))];
    await run("apt-get", ["download", "-q", ...names]);
    const packages: Record<string, string> = {};
    for (const file of (await readdir(downloads)).filter((entry) => entry.endsWith(".deb")).sort()) {
      const { stdout } = await run("dpkg-deb", ["--show", "--showformat=${Package} ${Version}", file]);
      const [packageName = file, version = ""] = stdout.split(" ");
      packages[packageName] = version;
      await run("dpkg-deb", ["-x", file, root]);
    }
    return { root, packages };
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    throw aptError(name, error);
  } finally {
    await rm(downloads, { recursive: true, force: true });
  }
}

type Run = (file: string, args: readonly string[]) => Promise<{ stdout: string }>;

async function dependencies(name: string, run: Run): Promise<string[]> {
  const list = () => run("apt-cache", ["depends", "--important", name]);
  // A fresh container image has no package index at all; reading it once is what `apt-get install` would need, too.
  const { stdout } = await list().catch(async (error) => {
    if (error.code === "ENOENT") throw error;
    await run("apt-get", ["update", "-q"]);
    return list();
  });
  return stdout.split("\n").flatMap((line) => /^ +\|?(?:Pre)?Depends: ([a-z0-9][^ <]*)$/.exec(line)?.[1] ?? []);
}

function aptError(name: string, error: unknown): TandemError {
  const failure = error as { code?: string; stderr?: string; shortMessage?: string };
  if (failure.code === "ENOENT") {
    return new TandemError({
      code: "E_NO_APT",
      what: `cannot get the files of the package ${name}`,
      why: "this computer has no apt, and the image of kube-proxy is made of Debian's iptables",
      fix: "run this on Debian or Ubuntu; planning, rendering and the rehearsal work here",
      cause: error,
    });
  }
  return new TandemError({
    code: "E_APT",
    what: `cannot get the files of the package ${name}`,
    why: (failure.stderr || failure.shortMessage || String(error)).trim().split("\n").slice(-3).join("; "),
    fix: "check that `apt-get update` works here, then run the same command again",
    cause: error,
  });
}
