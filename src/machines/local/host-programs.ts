import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { execa } from "execa";
import { TandemError } from "../../errors.ts";

/** What this computer itself must have for local machines and for servers over SSH: program → Debian package. */
export const HOST_PROGRAMS: Readonly<Record<string, string>> = {
  ssh: "openssh-client",
  "ssh-keygen": "openssh-client",
  ip: "iproute2",
};

export interface HostProgramOptions {
  onProgress?: (text: string) => void;
  signal?: AbortSignal | undefined;
  /** Asked before packages are installed; the default is yes. */
  agree?: (question: string) => Promise<boolean>;
  /** Program → package; the default is all that local machines need. */
  programs?: Readonly<Record<string, string>>;
}

/**
 * Installs the packages whose programs are not on PATH, with apt, and starts no service that comes with them. Nothing is
 * installed where all programs are there.
 *
 * @returns the packages that were installed
 * @throws TandemError E_HOST_PROGRAMS without apt, without root, when `agree` says no, or when apt fails
 */
export async function ensureHostPrograms({
  onProgress,
  agree,
  signal,
  programs = HOST_PROGRAMS,
}: HostProgramOptions = {}): Promise<string[]> {
  const missing = await missingPrograms(Object.keys(programs));
  if (missing.length === 0) return [];
  const packages = [...new Set(missing.map((program) => programs[program] ?? program))].sort();
  const refuse = (why: string, cause?: unknown) =>
    new TandemError({
      code: "E_HOST_PROGRAMS",
      what: `this computer lacks ${missing.join(", ")}`,
      why,
      fix: `install ${packages.join(" and ")}, and run the same command again`,
      cause,
    });
  if ((await missingPrograms(["apt-get"])).length > 0) throw refuse("there is no apt-get here to install them with");
  if (process.getuid?.() !== 0) throw refuse("installing packages needs root");
  const question = `this computer lacks ${missing.join(", ")}: ${packages.join(" and ")} will be installed with apt\n`;
  if (agree && !(await agree(question))) throw refuse("nobody wanted it to be installed");
  onProgress?.(`installing ${packages.join(" and ")}`);
  const apt = (...args: string[]) =>
    execa("apt-get", args, {
      // Debian starts a package's service at once, unless it takes the machine for one in single-user mode.
      env: { DEBIAN_FRONTEND: "noninteractive", LC_ALL: "C", RUNLEVEL: "1" },
      stdin: "ignore",
      ...(signal ? { cancelSignal: signal } : {}),
    });
  const install = () => apt("install", "-y", "-qq", "--no-install-recommends", ...packages);
  try {
    // A fresh image has no package lists, and old lists name files that are gone.
    await install().catch(() => apt("update", "-qq").then(install));
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    const { stderr, shortMessage } = error as { stderr?: string; shortMessage?: string };
    throw refuse(`apt-get failed: ${(stderr || shortMessage || String(error)).trim().split("\n").at(-1)}`, error);
  }
  return packages;
}

/** Those of the programs that are in no folder of PATH. */
export async function missingPrograms(programs: readonly string[]): Promise<string[]> {
  const folders = (process.env.PATH ?? "").split(delimiter).filter(Boolean);
  const isThere = (program: string) =>
    Promise.any(folders.map((folder) => access(join(folder, program), constants.X_OK))).then(
      () => true,
      () => false,
    );
  const found = await Promise.all(programs.map(isThere));
  return programs.filter((_program, at) => !found[at]);
}
