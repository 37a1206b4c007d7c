import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { engineDir, tandemHome } from "../../src/machines/home.ts";
import { machineSources } from "../../src/machines/local/base-image.ts";
import { unpackDebianPackages } from "../../src/machines/local/debian-packages.ts";
import { fileInput, type Remote } from "../../src/machines/server/remote.ts";

const KEYRING = "usr/share/keyrings/debian-archive-keyring.gpg";
/** On the server. */
const REPOSITORY = "/srv/repository";

/**
 * Gives a local machine, which has none, its own apt, with a repository on its own disk: a server like any other for who installs
 * packages, though it reaches no network. Packages are Debian's, fetched here and checked by their signatures.
 *
 * @param folder a temporary one on this computer
 * @param packages what the repository has, with all that the server lacks of what they need
 */
export async function giveApt(remote: Remote, folder: string, packages: readonly string[]): Promise<void> {
  const fetch = await fetcher(folder);
  const status = () => remote.run("cat /var/lib/dpkg/status");
  await copy(remote, await fetch("own", await status(), ["apt"]), "/srv/own");
  await remote.run("dpkg -i /srv/own/*.deb > /dev/null 2>&1; rm -r /srv/own");
  const debs = await fetch("repository", await status(), packages);
  writeFileSync(join(debs, "Packages"), await index(debs));
  await copy(remote, debs, REPOSITORY);
  // A repository without a signature of its own: whoever writes on that disk is root there.
  await remote.run(`echo 'deb [trusted=yes] file:${REPOSITORY} ./' > /etc/apt/sources.list`);
}

/** Fetches what a server with that `dpkg` status lacks of packages, into a folder that it answers. */
async function fetcher(folder: string) {
  const builder = join(engineDir(tandemHome()), "build");
  const { root } = await unpackDebianPackages(builder, ["mmdebstrap", "debian-archive-keyring"]);
  // A package that this computer has is used from it.
  const keyring = [join(root, KEYRING), join("/", KEYRING)].find((path) => existsSync(path));
  const lists = join(folder, "lists");
  mkdirSync(join(lists, "partial"), { recursive: true });
  const sources = join(folder, "sources.list");
  const lines = (await machineSources()).map(({ url, suite }) => `deb [signed-by=${keyring}] ${url} ${suite} main\n`);
  writeFileSync(sources, lines.join(""));
  const run = (settings: Record<string, string>, words: readonly string[]) => {
    const all = {
      "Dir::Etc::sourcelist": sources,
      "Dir::Etc::sourceparts": "-",
      "Dir::State::lists": lists,
      "Dir::Cache::pkgcache": "",
      "Dir::Cache::srcpkgcache": "",
      "APT::Sandbox::User": "root",
      ...settings,
    };
    const options = Object.entries(all).flatMap(([name, value]) => ["-o", `${name}=${value}`]);
    return execa("apt-get", [...options, "-qq", ...words], { env: { DEBIAN_FRONTEND: "noninteractive", LC_ALL: "C" } });
  };
  await run({}, ["update"]);
  return async (name: string, status: string, packages: readonly string[]): Promise<string> => {
    const archives = join(folder, name);
    mkdirSync(join(archives, "partial"), { recursive: true });
    writeFileSync(join(folder, `${name}.status`), status);
    const settings = { "Dir::State::status": join(folder, `${name}.status`), "Dir::Cache::archives": archives };
    await run(settings, ["install", "--download-only", "--no-install-recommends", "-y", ...packages]);
    return archives;
  };
}

/** What `dpkg-scanpackages` of another package would write. */
async function index(folder: string): Promise<string> {
  const entries = readdirSync(folder)
    .filter((name) => name.endsWith(".deb"))
    .map(async (name) => {
      const path = join(folder, name);
      const { stdout } = await execa("dpkg-deb", ["--field", path]);
      const sha256 = createHash("sha256").update(readFileSync(path)).digest("hex");
      return `${stdout}\nFilename: ./${name}\nSize: ${statSync(path).size}\nSHA256: ${sha256}\n`;
    });
  return (await Promise.all(entries)).join("\n");
}

async function copy(remote: Remote, from: string, to: string): Promise<void> {
  const archive = `${from}.tar`;
  const names = readdirSync(from).filter((name) => name !== "partial" && name !== "lock");
  await execa("tar", ["--create", "--file", archive, "--directory", from, ...names]);
  const input = fileInput(archive, statSync(archive).size);
  await remote.run(`mkdir -p ${to}; tar -x -C ${to}`, { ...(input === undefined ? {} : { input }) });
}
