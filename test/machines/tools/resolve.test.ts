import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import type { GoBuild } from "../../../src/machines/tools/catalogue.ts";
import { goBuild } from "../../../src/machines/tools/go-build.ts";
import type { ToolProgress } from "../../../src/machines/tools/progress.ts";
import { resolveTools } from "../../../src/machines/tools/resolve.ts";
import { toolFolder, toolPath } from "../../../src/machines/tools/tool-cache.ts";
import { temporaryFolders } from "../../support/temporary-folder.ts";

const folder = temporaryFolders();
const path = process.env.PATH;
afterEach(() => {
  process.env.PATH = path;
});

/**
 * A `go` that is a shell script: what it is called with is under test, not what a compiler does. `$out` is the program
 * that it is told to write.
 */
function fakeGo(script: string): string {
  const bin = folder();
  const text = `#!/bin/sh
[ "$1" = env ] && { echo go1.26.9; exit; }
echo "$GOCACHE $GOMODCACHE $CGO_ENABLED:$GOFLAGS:$GOOS $*" >> ${bin}/calls
while [ $# -gt 1 ]; do [ "$1" = -o ] && out=$2; shift; done
${script}
`;
  writeFileSync(join(bin, "go"), text, { mode: 0o755 });
  process.env.PATH = `${bin}:/usr/bin:/bin`;
  return bin;
}

const calls = (bin: string) =>
  existsSync(join(bin, "calls")) ? readFileSync(join(bin, "calls"), "utf8").trim().split("\n") : [];
const builds =
  'echo "go: downloading a v1" >&2; echo internal/abi >&2; echo a.test/b >&2; echo "program of $out" > "$out"';

const onLinux = process.platform === "linux";

describe.skipIf(!onLinux)("tools that are not there", () => {
  test("are built once, found after that, and leave no cache of Go behind", async () => {
    const home = folder();
    const bin = fakeGo(`mkdir -p "$GOCACHE" "$GOMODCACHE"; ${builds}`);
    const events: ToolProgress[] = [];
    const first = await resolveTools(["etcd", "pause"], { home, onProgress: (event) => events.push(event) });
    expect(first.etcd).toMatchObject({ version: "3.6.14", source: "build", path: toolPath("etcd", home) });
    expect(events[0]).toMatchObject({ kind: "plan", download: [], build: ["etcd", "pause"] });
    expect(events).toContainEqual(expect.objectContaining({ kind: "build", name: "etcd", modules: 1, compiled: 2 }));
    expect(events.filter(({ kind }) => kind === "done")).toHaveLength(2);
    const second = await resolveTools(["etcd", "pause"], { home });
    expect(second.pause).toEqual({ ...first.pause, source: "cache" });
    expect(calls(bin)).toHaveLength(2);
    expect(calls(bin)[0]).toContain(`${home}/tools/.go/build ${home}/tools/.go/modules 0::linux build -v`);
    expect(calls(bin)[0]).toContain("-mod=readonly -trimpath -buildvcs=false");
    expect(existsSync(join(home, "tools/.go"))).toBe(false);
  });

  test("are built by one of two commands that want them at once", async () => {
    const home = folder();
    const bin = fakeGo(builds);
    const both = await Promise.all([resolveTools(["pause"], { home }), resolveTools(["pause"], { home })]);
    expect(both.map(({ pause }) => pause.source).sort()).toEqual(["build", "cache"]);
    expect(calls(bin)).toHaveLength(1);
  });

  test("kubectl is the file of kubernetes", async () => {
    const home = folder();
    const bin = fakeGo(builds);
    const { kubectl, kubernetes } = await resolveTools(["kubectl", "kubernetes"], { home });
    expect(calls(bin)).toHaveLength(1);
    expect(kubectl.sha256).toBe(kubernetes.sha256);
    expect(readFileSync(kubectl.path, "utf8")).toBe(readFileSync(kubernetes.path, "utf8"));
  });

  test("a failed build says why; what was built before it is kept, and the next run does the rest", async () => {
    const home = folder();
    const bin = fakeGo(`case $out in *coredns*) echo 'main.go:3:1: syntax error' >&2; exit 1;; esac; ${builds}`);
    const failed = resolveTools(["kubernetes", "coredns"], { home });
    await expect(failed).rejects.toMatchObject({ code: "E_GO_BUILD", why: "main.go:3:1: syntax error" });
    expect(existsSync(join(toolFolder("coredns", home), "coredns.part"))).toBe(false);
    expect(calls(bin)).toHaveLength(2);
    const again = fakeGo(builds);
    const { kubernetes, coredns } = await resolveTools(["kubernetes", "coredns"], { home });
    expect([kubernetes.source, coredns.source]).toEqual(["cache", "build"]);
    expect(calls(again)).toHaveLength(1);
  });
});

test.skipIf(!onLinux)("an interrupted build ends the compilers, too, and counts for nothing", async () => {
  const home = folder();
  // As Go does: a child of its own that outlives it unless it is ended as well.
  const bin = fakeGo('sleep 600 & echo $! > "$out.child"; echo internal/abi >&2; wait');
  const controller = new AbortController();
  const reason = new Error("Ctrl-C");
  let child = 0;
  const onProgress = (event: ToolProgress) => {
    if (event.kind !== "build" || event.compiled === 0) return;
    child = Number(readFileSync(join(toolFolder("pause", home), "pause.part.child"), "utf8"));
    expect(() => process.kill(child, 0)).not.toThrow();
    controller.abort(reason);
  };
  await expect(resolveTools(["pause"], { home, signal: controller.signal, onProgress })).rejects.toBe(reason);
  // A killed process may be a zombie until init takes it: what counts is that it sleeps no more.
  await expect.poll(() => stateOf(child)).toMatch(/^(gone|Z)$/);
  expect(existsSync(toolPath("pause", home))).toBe(false);
  expect(existsSync(join(home, "tools/install.lock"))).toBe(false);
  expect(calls(bin)).toHaveLength(1);
  // The next run counts from there: Go does not name a package that it has compiled already.
  fakeGo(builds);
  const events: ToolProgress[] = [];
  await resolveTools(["pause"], { home, onProgress: (event) => events.push(event) });
  const [first] = events.filter((event) => event.kind === "build");
  expect(first).toMatchObject({ compiled: 0, packages: 63 });
  expect(existsSync(join(home, "tools/.go"))).toBe(false);
});

function stateOf(pid: number): string {
  if (!existsSync(`/proc/${pid}/stat`)) return "gone";
  return readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.[0] ?? "gone";
}

const goVersion = (() => {
  try {
    return execFileSync("go", ["env", "GOVERSION"], {
      encoding: "utf8",
      env: { ...process.env, GOTOOLCHAIN: "local" },
    });
  } catch {
    return "";
  }
})();

test.skipIf(!goVersion.startsWith("go1.26."))(
  "the real compiler makes the same bytes from two folders, with the version in them",
  async () => {
    const build: GoBuild = {
      module: "pause",
      package: ".",
      stamps: { "main.version": "7.8.9" },
      packages: 1,
      linkMs: 1,
    };
    const outs = await Promise.all(
      [folder(), folder()].map(async (modules) => {
        mkdirSync(join(modules, "pause"));
        for (const file of ["go.mod", "main.go"]) {
          writeFileSync(join(modules, "pause", file), readFileSync(join("tools/pause", file)));
        }
        const out = join(modules, "out");
        await goBuild("pause", build, { go: { path: "go", version: "1.26" }, out, caches: {}, modules });
        return out;
      }),
    );
    const [one = "", two = ""] = outs;
    expect(readFileSync(one).equals(readFileSync(two))).toBe(true);
    expect(execFileSync(one, ["-v"], { encoding: "utf8" })).toBe("pause 7.8.9\n");
  },
);
