import { access, mkdir, mkdtemp, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { tandemHome } from "../../src/machines/home.ts";
import { missingPrograms } from "../../src/machines/local/host-programs.ts";

/** Unpacked, never installed: the package would start a Prometheus of its own on this computer. */
const FOLDER = join(tandemHome(), "test-tools");

/** Why promtool can neither be found nor fetched here, or null. */
export async function promtoolObstacle(): Promise<string | null> {
  if ((await missingPrograms(["promtool"])).length === 0) return null;
  const missing = await missingPrograms(["apt-get", "dpkg-deb"]);
  return missing.length === 0 ? null : `there is neither promtool nor ${missing[0]} here`;
}

/** Path of promtool: of this computer, or from Debian's package `prometheus` (19 MB, fetched once by apt, which checks it). */
export async function promtool(): Promise<string> {
  if ((await missingPrograms(["promtool"])).length === 0) return "promtool";
  const root = join(FOLDER, "prometheus");
  const program = join(root, "usr", "bin", "promtool");
  if (
    await access(program).then(
      () => true,
      () => false,
    )
  )
    return program;
  await mkdir(FOLDER, { recursive: true });
  const work = await mkdtemp(join(FOLDER, "fetch-"));
  try {
    const apt = (...args: string[]) =>
      // apt drops root for downloads, and could not write here then.
      execa("apt-get", ["-q", "-o", "APT::Sandbox::User=root", ...args], { cwd: work, env: { LC_ALL: "C" } });
    const download = () => apt("download", "prometheus");
    await download().catch(() => apt("update").then(download));
    const deb = (await readdir(work)).find((name) => name.endsWith(".deb"));
    if (deb === undefined) throw new Error("apt-get download prometheus left no package");
    await execa("dpkg-deb", ["-x", join(work, deb), join(work, "root")]);
    // Another test process may have been quicker; what is there is the same then.
    await rename(join(work, "root"), root).catch((error) => access(program).catch(() => Promise.reject(error)));
    return program;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}
