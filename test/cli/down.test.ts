import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { execa } from "execa";
import { beforeEach, expect, test } from "vitest";
import { existingSpec } from "../support/existing-spec.ts";
import { temporaryFolders } from "../support/temporary-folder.ts";

const temporary = temporaryFolders();
const root = join(import.meta.dirname, "../..");
let folder: string;
/** A stack on a cluster of somebody else that was made once, and a `pulumi` that notes what it was asked. */
beforeEach(() => {
  folder = temporary();
  const state = join(folder, "home/stacks/example/state/.pulumi/stacks/tandem");
  const project = join(folder, "home/stacks/example/project");
  for (const path of [state, project, join(folder, "bin")]) mkdirSync(path, { recursive: true });
  const resource = { type: "tandem:index:Manifest", urn: "urn:pulumi:example::tandem::tandem:index:Manifest::x" };
  writeFileSync(join(state, "example.json"), JSON.stringify({ checkpoint: { latest: { resources: [resource] } } }));
  writeFileSync(join(project, "Pulumi.example.yaml"), "encryptionsalt: v1:x\n");
  const script = `#!/bin/sh\n[ "$1" = version ] && exec echo v3.260.0\necho "$1: $TANDEM_RESUME" >> '${folder}/asked'\n`;
  writeFileSync(join(folder, "bin/pulumi"), script, { mode: 0o755 });
});

async function down() {
  const { exitCode, all } = await execa(process.execPath, [join(root, "src/cli/main.ts"), "down", "prod.yaml"], {
    cwd: folder,
    all: true,
    reject: false,
    stdin: "ignore",
    env: {
      NO_COLOR: "1",
      TANDEM_HOME: join(folder, "home"),
      PATH: [join(folder, "bin"), process.env.PATH].join(delimiter),
    },
  });
  return { exitCode, text: all };
}
const asked = () => readFileSync(join(folder, "asked"), "utf8");

test.skipIf(process.platform !== "linux")("in a backend that somebody chose no name is left", async () => {
  existingSpec(folder, "protect: false\n");
  writeFileSync(join(folder, "home/stacks/example/backend-url"), "s3://states\n");
  const { exitCode, text } = await down();
  expect(exitCode, text).toBe(0);
  expect(asked()).toMatch(/^destroy: .*\nstack: .*\n$/);
});

test.skipIf(process.platform !== "linux")("Pulumi's provider hears by which command a `down` goes on", async () => {
  existingSpec(folder, "protect: false\n");
  const { exitCode, text } = await down();
  expect(exitCode, text).toBe(0);
  expect(asked()).toBe("destroy: tandem down prod.yaml\n");
});

test("a protected stack is not taken down, and the way to do it is named", async () => {
  // Which is what a spec without a word about it says.
  existingSpec(folder);
  const { exitCode, text } = await down();
  expect(exitCode, text).toBe(1);
  expect(text).toMatch(/stack example was not taken down: its spec says `protect: true`/);
  expect(text).toMatch(/fix: set `protect: false` in prod\.yaml, run `tandem up prod\.yaml`[\s\S]+\[E_PROTECTED\]/);
  expect(asked, "Pulumi was not asked").toThrow(/ENOENT/);
});
