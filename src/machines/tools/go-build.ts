import { totalmem } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { execa } from "execa";
import { TandemError } from "../../errors.ts";
import { buildFlags, buildTarget, modulesDir } from "./build-key.ts";
import type { GoBuild } from "./catalogue.ts";

export interface GoCommand {
  path: string;
  version: string;
}

export interface GoBuildOptions {
  go: GoCommand;
  /** The program that is written. */
  out: string;
  /** GOCACHE and GOMODCACHE. */
  caches: Record<string, string>;
  modules?: string;
  onModule?: () => void;
  onPackage?: () => void;
  signal?: AbortSignal | undefined;
}

/** What Go prints of a proxy that it cannot reach, with the address that it wanted. */
const UNREACHED =
  /Get "(?<url>[^"]+)": (?<why>.*(?:network is unreachable|no such host|connection refused|no route to host|i\/o timeout|Temporary failure|proxyconnect).*)/;

/**
 * Compiles one program from its committed module.
 *
 * @throws TandemError E_NO_NETWORK, E_GO_BUILD; the signal's reason when aborted
 */
export async function goBuild(name: string, build: GoBuild, options: GoBuildOptions): Promise<void> {
  const { go, out, caches, modules = modulesDir, signal } = options;
  signal?.throwIfAborted();
  const child = execa(go.path, ["build", "-v", "-modcacherw", ...buildFlags(build), "-o", out, build.package], {
    cwd: join(modules, build.module),
    // GOFLAGS, GOWORK and GOEXPERIMENT of the person's own work would change the bytes, GOTOOLCHAIN the compiler.
    env: {
      CGO_ENABLED: "0",
      GOFLAGS: "",
      GOWORK: "off",
      GOEXPERIMENT: "",
      GOTOOLCHAIN: "local",
      // A compiler lives for a second and need not collect. Four may run at once, and the linker.
      GOGC: "400",
      GOMEMLIMIT: `${Math.floor(totalmem() / 4)}`,
      ...buildTarget(),
      ...caches,
    },
    reject: false,
    stdin: "ignore",
    stdout: "ignore",
    // A group of its own: Go starts a compiler for each package and does not end them when it is ended.
    detached: true,
  });
  const end = () => {
    if (child.pid === undefined) return;
    try {
      process.kill(-child.pid, "SIGTERM");
    } catch {
      // The group is gone already.
    }
  };
  signal?.addEventListener("abort", end, { once: true });
  const problems: string[] = [];
  for await (const line of createInterface({ input: child.stderr })) {
    if (line.startsWith("go: downloading ")) options.onModule?.();
    // `-v` prints the import path of each package that it compiles, and nothing else looks like one.
    else if (/^[\w.~-]+(\/[\w.~+-]+)*$/.test(line)) options.onPackage?.();
    else problems.push(line);
  }
  const result = await child;
  signal?.removeEventListener("abort", end);
  signal?.throwIfAborted();
  if (result.exitCode === 0) return;
  const unreached = problems.map((line) => UNREACHED.exec(line)?.groups).find((found) => found !== undefined);
  if (unreached !== undefined) throw noNetwork(name, unreached.url ?? "", unreached.why ?? "", result);
  throw new TandemError({
    code: "E_GO_BUILD",
    what: `${name} could not be built`,
    why: problems.slice(-4).join("; ").slice(0, 800) || (result.shortMessage ?? `go ended with ${result.exitCode}`),
    fix: "check that Go's module proxy can be reached (`go env GOPROXY`), then run `tandem tools install` again: it goes on where it was",
    cause: result,
  });
}

function noNetwork(name: string, url: string, why: string, cause: unknown): TandemError {
  return new TandemError({
    code: "E_NO_NETWORK",
    what: `${name} could not be built: its sources were not fetched`,
    why: `${new URL(url).origin} cannot be reached: ${why.split("; ")[0]}`,
    fix: "connect this computer, or name a module proxy that it reaches (GOPROXY; HTTPS_PROXY on the way out), then run the same command again: it goes on where it was",
    cause,
  });
}
