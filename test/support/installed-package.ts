import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";

export interface InstalledPackage {
  /** An empty project that depends on the package alone. */
  project: string;
  /** The package inside it. */
  root: string;
  remove: () => Promise<void>;
}

/** What `npm pack` ships, installed into an empty project, as somebody would who has only Node and npm. About 15 s. */
export async function installPackage(): Promise<InstalledPackage> {
  const project = await mkdtemp(join(tmpdir(), "tandem-pack-"));
  const remove = () => rm(project, { recursive: true, force: true });
  try {
    const npm = { env: { npm_config_update_notifier: "false" } };
    await execa("npm", ["pack", "--loglevel=error", "--pack-destination", project], npm);
    const tarball = (await readdir(project)).find((name) => name.endsWith(".tgz"));
    await writeFile(join(project, "package.json"), '{"name":"elsewhere","private":true}\n');
    const flags = ["--omit=dev", "--prefer-offline", "--no-audit", "--no-fund", "--loglevel=error"];
    await execa("npm", ["install", ...flags, `./${tarball}`], { ...npm, cwd: project });
  } catch (error) {
    await remove();
    throw error;
  }
  return { project, root: join(project, "node_modules", "tandem"), remove };
}
