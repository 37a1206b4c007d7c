import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import type { Manifest } from "../../src/manifests/manifest.ts";
import { tandem } from "../support/cli.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "tandem-render-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const kinds = (manifests: readonly Manifest[]) => manifests.map(({ kind, metadata }) => `${kind} ${metadata.name}`);

async function rendered(stack: string): Promise<Manifest[]> {
  const { stdout } = await tandem(["render", stack]);
  return parseAllDocuments(stdout, { version: "1.1" }).map((document) => document.toJS() as Manifest);
}

describe("tandem render", () => {
  test("prints every object once, one document each", async () => {
    const manifests = await rendered("stacks/local.yaml");
    expect(kinds(manifests)).toEqual(
      expect.arrayContaining(["ModelService local", "Deployment reconciler", "ConfigMap serving-plan"]),
    );
    expect(kinds(manifests).join("\n"), "groups are the reconciler's to make").not.toContain("LeaderWorkerSet");
    expect(new Set(kinds(manifests)).size).toBe(manifests.length);
  });

  test("--groups prints what the reconciler will make of the ModelService", async () => {
    const { stdout } = await tandem(["render", "stacks/local.yaml", "--groups", "--output", "json"]);
    const { items } = JSON.parse(stdout) as { items: Manifest[] };
    expect(kinds(items)).toEqual(["LeaderWorkerSet sglang-a", "LeaderWorkerSet sglang-b"]);
  });

  test("warnings go to stderr, so that stdout stays YAML", async () => {
    const { exitCode, stdout, stderr } = await tandem(["render", "stacks/example.yaml"]);
    expect(exitCode).toBe(0);
    expect(stdout.startsWith("---\napiVersion: ")).toBe(true);
    expect(stderr).toMatch(/^tandem: warning: engine\.image: .*placeholder/);
  });

  test("--output json is the List that kubectl takes", async () => {
    const { stdout } = await tandem(["render", "stacks/local.yaml", "--output", "json"]);
    const list = JSON.parse(stdout) as { kind: string; items: Manifest[] };
    expect(list.kind).toBe("List");
    expect(list.items).toEqual(await rendered("stacks/local.yaml"));
  });

  test("--out writes them in the order to apply, and takes away what an earlier run left", async () => {
    const out = join(folder, "new", "stack");
    const first = await tandem(["render", "stacks/local.yaml", "--out", out]);
    expect(first).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/: \d+ files$/) });
    const read = async () =>
      Promise.all(
        (await readdir(out))
          .filter((name) => name.endsWith(".yaml"))
          .sort()
          .map((name) => readFile(join(out, name), "utf8")),
      );
    const texts = await read();
    expect(texts.map((text) => parse(text, { version: "1.1" }) as Manifest)).toEqual(
      await rendered("stacks/local.yaml"),
    );

    const groups = () => readdir(join(out, "made-by-reconciler"));
    expect(await groups()).toEqual(["leaderworkerset-sglang-a.yaml", "leaderworkerset-sglang-b.yaml"]);

    await writeFile(join(out, "mine.txt"), "kept");
    const second = await tandem(["render", "stacks/single.yaml", "--out", out]);
    expect(second.stdout).toMatch(/old ones removed$/);
    expect((await read()).map((text) => parse(text, { version: "1.1" }) as Manifest)).toEqual(
      await rendered("stacks/single.yaml"),
    );
    expect(await groups(), "a group that is gone").toEqual(["leaderworkerset-sglang-a.yaml"]);
    expect(await readFile(join(out, "mine.txt"), "utf8")).toBe("kept");
  });

  test("--out leaves a file of somebody else alone, and writes nothing", async () => {
    const out = join(folder, "foreign");
    await mkdir(out);
    await writeFile(join(out, "01-namespace-tandem-local.yaml"), "kind: Mine\n");
    const { exitCode, stderr } = await tandem(["render", "stacks/local.yaml", "--out", out]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 1, stderr: expect.stringContaining("E_FILE_EXISTS") });
    expect(await readdir(out)).toEqual(["01-namespace-tandem-local.yaml"]);
  });

  test("--out to a place that is a file: exit 1 and what to do", async () => {
    await writeFile(join(folder, "file"), "");
    const { exitCode, stderr } = await tandem(["render", "stacks/local.yaml", "--out", join(folder, "file")]);
    expect({ exitCode, stderr }).toEqual({
      exitCode: 1,
      stderr: expect.stringMatching(/EEXIST[\s\S]*fix: .*E_FILE_WRITE/),
    });
  });
});
