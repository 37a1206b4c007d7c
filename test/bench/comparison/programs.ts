import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { execa } from "execa";
import { tandemHome } from "../../../src/machines/home.ts";
import { ensureHostPrograms } from "../../../src/machines/local/host-programs.ts";
import { findPython } from "../../conformity/python.ts";

/** What the proxies are run with, and their versions. */
export interface Programs {
  python: string;
  /** Holds the package `sglang_router`. */
  routerFolder: string;
  versions: Record<string, string>;
}

const REQUIREMENTS = new URL("router.requirements.txt", import.meta.url).pathname;

/** Fetches the router from the package index against its hash, and HAProxy and nginx from Debian; starts no service. */
export async function ensurePrograms(): Promise<Programs> {
  await ensureHostPrograms({ programs: { haproxy: "haproxy", nginx: "nginx-light" } });
  const python = await findPython();
  if ("obstacle" in python) throw new Error(`the router of SGLang cannot run: ${python.obstacle}`);
  const requirements = await readFile(REQUIREMENTS, "utf8");
  const key = createHash("sha256").update(requirements).digest("hex").slice(0, 12);
  const routerFolder = join(tandemHome(), "python", `sglang-router-python${python.version}-${process.arch}-${key}`);
  if (!existsSync(routerFolder)) await fetchRouter(python, routerFolder);
  return {
    python: python.executable,
    routerFolder,
    versions: {
      "sglang-router": /sglang-router==(\S+)/.exec(requirements)?.[1] ?? "?",
      haproxy: await versionOf("haproxy", "-v"),
      nginx: await versionOf("nginx", "-v"),
      node: process.version.slice(1),
    },
  };
}

async function fetchRouter(python: { executable: string; pip: "own" | "venv" }, folder: string): Promise<void> {
  await mkdir(dirname(folder), { recursive: true });
  const building = await mkdtemp(`${folder}.`);
  try {
    let interpreter = python.executable;
    if (python.pip === "venv") {
      await execa(interpreter, ["-m", "venv", join(building, "venv")]);
      interpreter = join(building, "venv", "bin", "python3");
    }
    const checked = ["--no-deps", "--require-hashes", "--only-binary", ":all:"];
    const place = ["--target", join(building, "router"), "--requirement", REQUIREMENTS];
    await execa(interpreter, ["-m", "pip", "--disable-pip-version-check", "install", ...checked, ...place]);
    await rename(join(building, "router"), folder);
  } finally {
    await rm(building, { recursive: true, force: true });
  }
}

async function versionOf(program: string, flag: string): Promise<string> {
  const { all } = await execa(program, [flag], { all: true });
  return /(\d+\.\d+\.\S+)/.exec(all)?.[1] ?? "?";
}
