import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { execa } from "execa";
import { TandemError } from "../../errors.ts";
import { engineDir } from "../home.ts";
import { unpackDebianPackages } from "./debian-packages.ts";
import type { Engine } from "./engine.ts";
import { MACHINE_PACKAGES, MACHINE_SUITE } from "./machine-files.ts";

const MIRROR = "http://deb.debian.org/debian";

// The kernel ends the builder and all it started when this process dies, however it dies; its mounts vanish with it.
const DIES_WITH_US = ["--pdeathsig", "KILL", "unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"];

/** How the tree is made, mirrors apart: part of the image's name. */
export const BASE_RECIPE: readonly string[] = [
  "--mode=root",
  "--variant=essential",
  "--dpkgopt=force-unsafe-io",
  ...["man", "doc", "locale", "info"].map((name) => `--dpkgopt=path-exclude=/usr/share/${name}/*`),
  '--aptopt=APT::Install-Recommends "false"',
  `--include=${MACHINE_PACKAGES.join(",")}`,
  // Made by the packages at install time; a machine makes its own at its first boot.
  '--customize-hook=rm -f "$1"/etc/ssh/ssh_host_* "$1"/etc/machine-id "$1"/var/lib/dbus/machine-id',
  // Read by nothing in a machine, and 20 MB of every copy of /var.
  '--customize-hook=rm -rf "$1"/var/lib/apt/lists "$1"/var/cache/apt "$1"/var/cache/debconf',
];

/**
 * Builds Debian from packages and hands it to the engine as an image; no registry takes part. Needs apt on the host.
 * The tree is never on disk here: it goes from the builder to the engine in one stream.
 */
export async function importBaseImage(
  engine: Engine,
  reference: string,
  { onProgress, signal }: { onProgress?: (text: string) => void; signal?: AbortSignal | undefined },
): Promise<void> {
  const folder = join(engineDir(engine.home), "build");
  const tools = await unpackDebianPackages(folder, ["mmdebstrap", "debian-archive-keyring"], { signal });
  onProgress?.(`Debian ${MACHINE_SUITE} from packages, ${MACHINE_PACKAGES.length} asked for (one to two minutes)`);
  const temporary = join(folder, "tmp");
  // What a killed build left; its mounts and processes were in namespaces of their own and died with it.
  await rm(temporary, { recursive: true, force: true });
  await mkdir(temporary, { recursive: true });
  const command = ["perl", join(tools.root, "usr/bin/mmdebstrap"), ...(await builderArguments())];
  const builder = execa("setpriv", [...DIES_WITH_US, ...command], {
    env: { PATH: [...tools.binDirs, process.env.PATH].join(":"), TMPDIR: temporary, LC_ALL: "C" },
    stdout: "pipe",
    buffer: { stdout: false },
    // unshare blocks SIGTERM, and the builder would first finish the step it is in, which may take 20 s.
    killSignal: "SIGKILL",
    ...(signal && { cancelSignal: signal }),
  });
  const [repo = "", tag = ""] = reference.split(":");
  const imported = engine.api.stream("POST", "/images/create", {
    query: { fromSrc: "-", repo, tag },
    archive: builder.stdout,
    timeoutMs: 600_000,
    signal,
  });
  // The builder's failure first: the engine's is only its echo.
  const [built, taken] = await Promise.allSettled([builder, imported]);
  await rm(temporary, { recursive: true, force: true });
  signal?.throwIfAborted();
  if (built.status === "rejected") throw buildFailed(built.reason);
  if (taken.status === "rejected") throw taken.reason;
  const progress = await text(taken.value);
  const failure = /"error":"([^"]*)"/.exec(progress)?.[1];
  if (failure) throw new Error(`the engine did not take the image: ${failure}`);
}

async function builderArguments(): Promise<string[]> {
  const sources = await machineSources();
  return [...BASE_RECIPE, MACHINE_SUITE, "-", ...sources.map(({ url, suite }) => `deb ${url} ${suite} main`)];
}

/** Where the packages of a machine come from. */
export async function machineSources(): Promise<{ url: string; suite: string }[]> {
  const mirror = await debianMirror();
  const security = mirror === MIRROR ? "http://deb.debian.org/debian-security" : `${mirror}-security`;
  return [
    { url: mirror, suite: MACHINE_SUITE },
    { url: mirror, suite: `${MACHINE_SUITE}-updates` },
    { url: security, suite: `${MACHINE_SUITE}-security` },
  ];
}

/** The mirror that this machine's own apt uses for Debian, else the public one. */
async function debianMirror(): Promise<string> {
  const format = ["indextargets", "--format", "$(ORIGIN)|$(LABEL)|$(REPO_URI)", "Created-By: Packages"];
  const { stdout } = await execa("apt-get", format, { reject: false });
  const row = String(stdout)
    .split("\n")
    .map((line) => line.split("|"))
    .find(([origin, label]) => origin === "Debian" && label === "Debian");
  return (row?.[2] ?? MIRROR).replace(/\/$/, "");
}

function buildFailed(cause: unknown): TandemError {
  const stderr = String((cause as { stderr?: unknown }).stderr ?? (cause as Error).message);
  const reason = stderr
    .split("\n")
    .filter((line) => /^E:|error/i.test(line))
    .slice(0, 3)
    .join("; ");
  return new TandemError({
    code: "E_BASE_IMAGE",
    what: "the Debian tree of the machine image could not be built",
    why: reason || stderr.slice(-300),
    fix: "check that this machine reaches its Debian mirror (`apt-get update`), then run the same command again",
    cause,
  });
}
