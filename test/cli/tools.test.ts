import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { toolNames } from "../../src/machines/tools/catalogue.ts";
import { tandem } from "../support/cli.ts";
import { temporaryFolders } from "../support/temporary-folder.ts";

const folder = temporaryFolders();
let home = "";

beforeEach(() => {
  home = folder();
  vi.stubEnv("TANDEM_HOME", home);
});
afterEach(() => {
  vi.unstubAllEnvs();
});

/** A `go` that answers for its version and then runs `script`; `$out` is the program that it is told to write. */
function fakeGo(script: string): void {
  const bin = folder();
  const text = `#!/bin/sh\n[ "$1" = env ] && { echo go1.26.9; exit; }\nwhile [ $# -gt 1 ]; do [ "$1" = -o ] && out=$2; shift; done\n${script}\n`;
  writeFileSync(join(bin, "go"), text, { mode: 0o755 });
  vi.stubEnv("PATH", `${bin}:/usr/bin:/bin`);
}

describe("tandem tools", () => {
  test("lists every tool with its ways, also where nothing is there", async () => {
    const { exitCode, stdout } = await tandem(["tools", "--output", "json"]);
    expect(exitCode).toBe(0);
    const { tools } = JSON.parse(stdout) as { tools: { name: string; source: string; ways: { why: string }[] }[] };
    expect(tools.map(({ name }) => name)).toEqual([...toolNames, "container engine", "CNI plug-ins"]);
    expect(tools.find(({ name }) => name === "etcd")?.source).toBe("missing");
    expect(tools.flatMap(({ ways }) => ways).every(({ why }) => why !== "")).toBe(true);
  });

  test("names the ways that are closed, and what gets the rest", async () => {
    const { stdout } = await tandem(["tools"]);
    expect(stdout).toContain("`tandem tools install` gets what is missing.");
    expect(stdout).toMatch(/pulumi: no download: no checksum of https:\S+ is known here/);
  });
});

describe.skipIf(process.platform !== "linux")("tandem tools install", () => {
  test("builds, says so on stderr, and prints where the program is", async () => {
    fakeGo('echo internal/abi >&2; echo "#!/bin/sh" > "$out"');
    const { exitCode, stdout, stderr } = await tandem(["tools", "install", "pause"]);
    expect([exitCode, stdout]).toEqual([0, `pause 3.10.2  build  ${home}/tools/pause-3.10.2/pause`]);
    expect(stderr).toMatch(/^build pause: about \d+ s\n(.*\n)*pause 3\.10\.2 built in [\d.]+ s/);
  });

  test("fails part-way with 2 when a build fails, refuses with 1 what it does not know", async () => {
    fakeGo("echo 'dial tcp: no route to host' >&2; exit 1");
    const failed = await tandem(["tools", "install", "pause"]);
    expect(failed).toMatchObject({ exitCode: 2, stderr: expect.stringContaining("no route to host") });
    const unknown = await tandem(["tools", "install", "nix"]);
    expect(unknown).toMatchObject({ exitCode: 1, stderr: expect.stringContaining("E_NO_SUCH_TOOL") });
  });
});
