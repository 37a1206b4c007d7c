import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { catalogue, type GoBuild } from "./catalogue.ts";

/** The committed Go modules. The published package has the same layout. */
export const modulesDir = fileURLToPath(new URL("../../../tools/", import.meta.url));

/** Flags of `go build`, output and package aside. The same for everybody: with them two machines make the same bytes. */
export function buildFlags({ stamps = {}, tags = [] }: GoBuild): string[] {
  const linker = ["-s", "-w", ...Object.entries(stamps).map(([name, value]) => `-X ${name}=${value}`)];
  return [
    "-mod=readonly",
    "-trimpath",
    "-buildvcs=false",
    // The linker drops it anyway (-w). With a lazier collector (see go-build) 54 s of etcd became 49 (5 builds).
    "-gcflags=all=-dwarf=false",
    ...(tags.length > 0 ? ["-tags", tags.join(",")] : []),
    "-ldflags",
    linker.join(" "),
  ];
}

/** What the programs run on: Linux, whatever this computer is. */
export function buildTarget(): { GOOS: string; GOARCH: string; GOAMD64?: string } {
  return process.arch === "x64"
    ? { GOOS: "linux", GOARCH: "amd64", GOAMD64: "v1" }
    : { GOOS: "linux", GOARCH: process.arch };
}

/**
 * Names a build by all that goes into it. A changed module is built again, an unchanged one never: of Go's version only
 * the accepted range counts, so that a patch release of the compiler costs nobody a quarter of an hour.
 */
export async function buildKey(build: GoBuild, modules: string = modulesDir): Promise<string> {
  const folder = join(modules, build.module);
  const names = (await readdir(folder, { recursive: true }))
    .filter((name) => /(\.go|^go\.mod|^go\.sum)$/.test(name))
    .sort();
  const hash = createHash("sha256");
  const { from, below } = catalogue.go.onPath ?? {};
  hash.update(JSON.stringify([build.package, buildFlags(build), buildTarget(), from, below]));
  for (const name of names) {
    const content = await readFile(join(folder, name));
    hash.update(`\n${name} ${content.length}\n`).update(content);
  }
  return hash.digest("hex");
}
