import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { loadPlan } from "../../src/cli/load-plan.ts";
import { emulatorImage } from "../../src/emulator/image.ts";
import { emulatorManifests } from "../../src/emulator/manifests.ts";
import { MODULE } from "./server-process.ts";

let home: string;
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), "emulator-image-"));
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

const isRoot = process.platform === "linux" && process.getuid?.() === 0;

describe("the image", () => {
  test("is written once, again when a setting changes, and the old one goes", async () => {
    const first = await emulatorImage({ home });
    expect(first.references).toEqual([
      "tandem.local/sglang-emulator:dev",
      expect.stringMatching(/^tandem\.local\/sglang-emulator:[0-9a-f]{12}$/),
    ]);
    expect(first.bytes).toBeLessThan(140_000_000);
    expect(await emulatorImage({ home })).toEqual(first);
    const other = await emulatorImage({ home, env: { EMULATOR_LOAD_SECONDS: "9" } });
    expect(other.path).not.toBe(first.path);
    expect(
      spawnSync("ls", [join(home, "images")], { encoding: "utf8" })
        .stdout.trim()
        .split("\n"),
    ).toEqual([other.path.split("/").at(-1)]);
  });

  test.skipIf(!isRoot)("holds everything that its python3 needs: it runs with this image as its root", async () => {
    const { path } = await emulatorImage({ home });
    const root = join(home, "root");
    const unpack =
      'mkdir -p "$1/archive" "$1/fs" && tar -C "$1/archive" -xf "$0" && for layer in "$1"/archive/*.tar; do tar -C "$1/fs" -xf "$layer"; done';
    expect(spawnSync("sh", ["-ec", unpack, path, root]).status).toBe(0);
    const inside = (...argv: string[]) =>
      spawnSync("chroot", [join(root, "fs"), "/usr/bin/python3", ...argv], {
        encoding: "utf8",
        env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" },
      });
    expect(inside("--version")).toMatchObject({ status: 0, stdout: expect.stringMatching(/^Python 3\.12\./) });
    expect(inside(...MODULE, "--model-path", "m", "--pp", "1")).toMatchObject({
      status: 2,
      stderr: expect.stringContaining("ambiguous option: --pp"),
    });
    expect(inside("-m", "sglang.router")).toMatchObject({
      status: 1,
      stderr: expect.stringContaining("No module named sglang.router"),
    });
    expect(inside("-m", "tandem.fault")).toMatchObject({
      status: 1,
      stderr: expect.stringContaining("no engine answers"),
    });
  });
});

test("the device plugin's DaemonSet uses that image, on every node but the control plane", () => {
  const [daemon] = emulatorManifests(loadPlan("stacks/local.yaml").plan);
  const spec = JSON.stringify(daemon);
  expect(spec).toContain('"image":"tandem.local/sglang-emulator:dev","imagePullPolicy":"Never"');
  expect(spec).toContain('"key":"node-role.kubernetes.io/control-plane","operator":"DoesNotExist"');
});
