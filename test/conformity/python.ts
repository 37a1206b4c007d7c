import { execa } from "execa";
import { TandemError } from "../../src/errors.ts";
import { ensureHostPrograms } from "../../src/machines/local/host-programs.ts";

export interface Python {
  executable: string;
  /** `3.11` */
  version: string;
  /** How to run pip: with the interpreter's own, or through a virtual environment that brings one. */
  pip: "own" | "venv";
}

/** The release needs it (Requires-Python of the wheel). */
const LEAST_MINOR = 11;
const NAMES = ["python3", ...[14, 13, 12, 11].map((minor) => `python3.${minor}`)];

/**
 * A Python that can run SGLang's argument code, installed with apt where there is none; or why this machine has none.
 */
export async function findPython(): Promise<Python | { obstacle: string }> {
  const found = await firstUsable();
  if (found !== undefined) return found;
  try {
    await ensureHostPrograms({ programs: { python3: "python3", pip3: "python3-pip" } });
  } catch (error) {
    if (error instanceof TandemError) return { obstacle: error.message };
    throw error;
  }
  const obstacle = `python3 of this machine is older than 3.${LEAST_MINOR} or has neither pip nor ensurepip`;
  return (await firstUsable()) ?? { obstacle };
}

async function firstUsable(): Promise<Python | undefined> {
  for (const name of NAMES) {
    const python = await usable(name);
    if (python !== undefined) return python;
  }
  return undefined;
}

async function usable(name: string): Promise<Python | undefined> {
  const ask = "import sys; print(sys.executable); print(*sys.version_info[:2], sep='.')";
  const answer = await execa(name, ["-I", "-c", ask], { reject: false });
  const [executable, version] = (answer.stdout ?? "").split("\n");
  if (answer.failed || !executable || !version) return undefined;
  const [major = 0, minor = 0] = version.split(".").map(Number);
  if (major !== 3 || minor < LEAST_MINOR) return undefined;
  const runs = async (args: string[]) => !(await execa(executable, args, { reject: false })).failed;
  if (await runs(["-m", "pip", "--version"])) return { executable, version, pip: "own" };
  // Debian's python3 carries `venv`, but not always what it needs.
  return (await runs(["-c", "import ensurepip, venv"])) ? { executable, version, pip: "venv" } : undefined;
}
