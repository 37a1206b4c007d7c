import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { execa } from "execa";
import { tandemHome } from "../../src/machines/home.ts";
import type { Python } from "./python.ts";

export interface SglangFiles {
  /** Holds the package `sglang` of the release. */
  sglang: string;
  /** Holds what it needs from elsewhere. */
  dependencies: string;
}

const here = (name: string) => new URL(name, import.meta.url).pathname;
const REQUIREMENTS = ["sglang.requirements.txt", "dependencies.requirements.txt"] as const;

/** Leaves out the 46 MB of compiled servers, which are for another Python and play no part in arguments. */
const UNPACK = `
import sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as wheel:
    wheel.extractall(sys.argv[2], [name for name in wheel.namelist() if not name.endswith(".so")])
`;

/**
 * The pinned SGLang release from the package index, checked against its hash, kept under TANDEM_HOME. A second call, and
 * a call on a machine that ran this before, fetches nothing.
 */
export async function fetchSglang(python: Python): Promise<SglangFiles> {
  const folder = join(tandemHome(), "python", await keyOf(python));
  if (!existsSync(folder)) {
    await mkdir(dirname(folder), { recursive: true });
    const building = await mkdtemp(`${folder}.`);
    try {
      await build(python, building);
      await rename(building, folder).catch((error: NodeJS.ErrnoException) => {
        // Another run was faster, with the same files.
        if (error.code !== "ENOTEMPTY" && error.code !== "EEXIST") throw error;
      });
    } finally {
      await rm(building, { recursive: true, force: true });
    }
  }
  return { sglang: join(folder, "sglang"), dependencies: join(folder, "dependencies") };
}

async function keyOf({ version }: Python): Promise<string> {
  const hash = createHash("sha256");
  for (const name of REQUIREMENTS) hash.update(await readFile(here(name)));
  return `sglang-python${version}-${process.arch}-${hash.digest("hex").slice(0, 12)}`;
}

async function build(python: Python, folder: string): Promise<void> {
  const at = (name: string) => join(folder, name);
  let interpreter = python.executable;
  if (python.pip === "venv") {
    await execa(interpreter, ["-m", "venv", at("venv")]);
    interpreter = join(at("venv"), "bin", "python3");
  }
  const pip = (...args: string[]) =>
    execa(interpreter, ["-m", "pip", "--disable-pip-version-check", ...args], { stdin: "ignore" });
  const checked = ["--no-deps", "--require-hashes", "--only-binary", ":all:"];
  const platform = ["--python-version", "3.11", "--implementation", "cp", "--platform", "manylinux_2_34_x86_64"];
  await pip("download", ...checked, ...platform, "--dest", at("wheel"), "--requirement", here(REQUIREMENTS[0]));
  await pip("install", ...checked, "--target", at("dependencies"), "--requirement", here(REQUIREMENTS[1]));
  const [wheel = ""] = await readdir(at("wheel"));
  await execa(python.executable, ["-I", "-c", UNPACK, join(at("wheel"), wheel), at("sglang")]);
  await Promise.all([at("wheel"), at("venv")].map((path) => rm(path, { recursive: true, force: true })));
}
