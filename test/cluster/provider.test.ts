import { existsSync, writeFileSync } from "node:fs";
import { readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { removeCutOffFiles } from "../../src/infra/stack/cut-off-files.ts";
import { journalOf } from "../support/scratch/provider/file-type.ts";
import { pulumiBinary, type Scratch, scratch } from "../support/scratch/run.ts";

// The contract between the provider's generic core, the language host and the real Pulumi CLI, on the smallest
// resource there is: a file. Nothing here needs the cluster.
let stack: Scratch;
const secret = "planted-secret-7f3a91";
beforeEach(async () => {
  stack = await scratch(pulumiBinary);
  writeFileSync(stack.file("password"), secret);
});
afterEach(() => stack.end());

const one = (args: object = {}) => ({
  name: "one",
  args: { path: stack.file("one"), content: "first", journal: stack.journal, ...args },
  passwordFile: stack.file("password"),
});
const up = (...args: string[]) => stack.pulumi(["up", "--yes", "--skip-preview", ...args]);

describe("life of a resource", () => {
  test("preview, create, nothing to do, update, replace, delete", async () => {
    const two = { name: "two", args: { path: stack.file("two"), journal: stack.journal }, contentFrom: "one" };
    await stack.declare([one(), two]);

    const preview = await stack.pulumi(["preview", "--diff"]);
    expect(preview.exitCode, preview.text).toBe(0);
    expect(preview.text).toContain("content: [unknown]");
    expect(preview.text).toContain("password: [secret]");
    expect(journalOf(stack.journal), "a preview touches nothing").toEqual([]);

    expect((await up()).exitCode).toBe(0);
    expect(journalOf(stack.journal)).toEqual([`create ${stack.file("one")}`, `create ${stack.file("two")}`]);
    expect(await readFile(stack.file("two"), "utf8")).toMatch(/^[0-9a-f]{64}$/);

    const again = await up();
    expect(again.text).toContain("3 unchanged");
    expect(journalOf(stack.journal)).toHaveLength(2);

    await stack.declare([one({ content: "second" }), two]);
    const changed = await stack.pulumi(["preview", "--diff"]);
    expect(changed.text).toContain('"first" => "second"');
    expect(changed.text).toContain("~ filebox:index:File: (update)");
    expect((await up()).exitCode).toBe(0);
    expect(await readFile(stack.file("one"), "utf8")).toBe("second");

    await stack.declare([one({ content: "second", path: stack.file("moved") }), two]);
    const replaced = await stack.pulumi(["preview", "--diff"]);
    expect(replaced.text).toContain("+-filebox:index:File: (replace)");
    expect(replaced.text).toMatch(/~ path *: .*one" => ".*moved"/);
    expect((await up()).exitCode).toBe(0);
    expect(existsSync(stack.file("one")), "the old one goes before the new one comes").toBe(false);
    expect(await readFile(stack.file("moved"), "utf8")).toBe("second");

    await stack.declare([]);
    expect((await up()).text).toContain("2 deleted");
    expect(existsSync(stack.file("moved"))).toBe(false);
  });

  test("a refresh finds drift, the next up repairs it, and what is gone is made again", async () => {
    await stack.declare([one()]);
    await up();
    writeFileSync(stack.file("one"), "somebody else's");
    const refreshed = await stack.pulumi(["refresh", "--yes", "--skip-preview", "--diff"]);
    expect(refreshed.text).toContain("somebody else's");
    expect((await up()).text).toContain("1 updated");
    expect(await readFile(stack.file("one"), "utf8")).toBe("first");

    await rm(stack.file("one"));
    expect((await stack.pulumi(["refresh", "--yes", "--skip-preview"])).text).toContain("1 deleted");
    expect((await up()).text).toContain("1 created");
  });
});

describe("what goes wrong", () => {
  test("inputs that the schema refuses are named before anything runs", async () => {
    await stack.declare([one({ path: "relative", colour: "blue" })]);
    const refused = await up();
    expect(refused.exitCode).not.toBe(0);
    expect(refused.text).toContain("must be absolute");
    expect(refused.text).toContain("colour");
    expect(journalOf(stack.journal)).toEqual([]);
  });

  test("a create that fails leaves no pending operation, and its secret is not in the message", async () => {
    await stack.declare([one({ refuses: true })]);
    const failed = await up();
    expect(failed.exitCode).not.toBe(0);
    expect(failed.text).toContain("refused with the password [secret]");
    expect(JSON.parse(await stack.state()).checkpoint.latest.pending_operations ?? []).toEqual([]);
    await stack.declare([one()]);
    expect((await up()).text).toContain("1 created");
  });

  test("with others that wait for what failed, the update still ends with its message alone", async () => {
    const waiting = (name: string, contentFrom: string) => {
      return { name, args: { path: stack.file(name), journal: stack.journal }, contentFrom };
    };
    const alone = {
      ...one(),
      name: "alone",
      args: { path: stack.file("alone"), content: "x", journal: stack.journal },
    };
    await stack.declare([one({ refuses: true }), waiting("two", "one"), waiting("three", "two"), alone]);
    const failed = await up("--continue-on-error");
    expect(failed.exitCode).not.toBe(0);
    const diagnostics = failed.text.split("Diagnostics:")[1]?.split("Resources:")[0] ?? "";
    const lines = diagnostics.split("\n").map((line) => line.trim());
    expect(lines.filter((line) => /^error|Error|at /.test(line))).toEqual([
      "error: refused with the password [secret]",
    ]);
    expect(journalOf(stack.journal).sort()).toEqual([`create ${stack.file("alone")}`, `create ${stack.file("one")}`]);
    await stack.declare([one(), waiting("two", "one"), waiting("three", "two"), alone]);
    expect((await up()).text).toContain("3 created");
    // What could not be declared for a failure is not what the program has given up.
    await stack.declare([
      one({ refuses: true, content: "new" }),
      waiting("two", "one"),
      waiting("three", "two"),
      alone,
    ]);
    expect((await up("--continue-on-error")).exitCode).not.toBe(0);
    expect(journalOf(stack.journal).filter((line) => line.startsWith("remove"))).toEqual([]);
    expect(existsSync(stack.file("three"))).toBe(true);
  });

  test("a thing that exists but is not ready is kept and finished by the next up", async () => {
    writeFileSync(stack.file("broken"), "");
    await stack.declare([one({ brokenWhile: stack.file("broken") })]);
    const failed = await up();
    expect(failed.exitCode).not.toBe(0);
    expect(failed.text).toContain("written, but not ready");
    expect(JSON.parse(await stack.state()).checkpoint.latest.resources.at(-1).initErrors).toHaveLength(1);

    await rm(stack.file("broken"));
    const finished = await up();
    expect(finished.exitCode, finished.text).toBe(0);
    expect(journalOf(stack.journal)).toEqual([`create ${stack.file("one")}`, `update ${stack.file("one")}`]);
    expect((await up()).text).toContain("2 unchanged");
  });

  test("Ctrl-C aborts the running operation at once", async () => {
    await stack.declare([one({ slowMs: 60_000 })]);
    const started = Date.now();
    const stopped = await stack.pulumi(["up", "--yes", "--skip-preview"], {
      interruptWhen: () => journalOf(stack.journal).length > 0,
    });
    expect(stopped.exitCode).not.toBe(0);
    expect(Date.now() - started).toBeLessThan(20_000);
    expect(journalOf(stack.journal)).toEqual([`create ${stack.file("one")}`, `aborted ${stack.file("one")}`]);
    await stack.declare([one()]);
    expect((await up()).text).toContain("1 created");
  });

  test("attributes of the state that a kill cut off are in the way of no run", async () => {
    await stack.declare([one()]);
    expect((await up()).exitCode).toBe(0);
    writeFileSync(join(stack.dir, "backend/.pulumi/stacks/scratch/test.json.attrs"), "");
    // What Pulumi says by itself; when that changes, this is no longer needed.
    expect((await up()).text).toContain("failed to load checkpoint: EOF");
    expect(await removeCutOffFiles(join(stack.dir, "backend"))).toHaveLength(1);
    expect((await up()).text).toContain("2 unchanged");
  });

  test("an error for the operator has no stack", async () => {
    await stack.declare([one()], { "scratch:failure": "told" });
    const failed = await stack.pulumi(["preview"]);
    expect(failed.exitCode).not.toBe(0);
    expect(failed.text).toContain("error: it cannot be: for this reason");
    expect(failed.text).toContain("fix: do that  [E_SCRATCH]");
    expect(failed.text).not.toMatch(/unhandled|at .*program\.ts/);
  });

  test.each(["throw", "reject"])("a program that does %s ends as a diagnostic", async (failure) => {
    await stack.declare([one()], { "scratch:failure": failure });
    const failed = await stack.pulumi(["preview"]);
    expect(failed.exitCode).not.toBe(0);
    expect(failed.text).toContain(failure === "throw" ? "thrown at the top of the program" : "rejected in the program");
  });
});

test("a secret is in no file of the state, and in nothing that was printed", async () => {
  await stack.declare([one()]);
  const texts = [
    (await stack.pulumi(["preview", "--diff"])).text,
    // From -v 3 on the SDK itself logs whole answers, secrets included; nothing of ours ever asks for that.
    (await up("--logtostderr", "-v", "2")).text,
    (await stack.pulumi(["refresh", "--yes", "--skip-preview", "--diff"])).text,
    await stack.state(),
  ];
  const backend = join(stack.dir, "backend");
  for (const file of await readdir(backend, { recursive: true, withFileTypes: true })) {
    if (file.isFile()) texts.push(await readFile(join(file.parentPath, file.name), "utf8"));
  }
  expect(texts.length).toBeGreaterThan(5);
  const leaks = texts.flatMap((text) => text.split("\n").filter((line) => line.includes(secret)));
  expect(leaks.map((line) => line.slice(0, 400))).toEqual([]);
});
