import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { withoutServer } from "../../src/spec/without-server.ts";

const example = readFileSync(join(import.meta.dirname, "../../stacks/local.yaml"), "utf8");
/** The local cluster and one server more, as a spare. */
const spared = example
  .replace(
    /^ {2}gpu-d: .*$/m,
    (line) => `${line}\n  gpu-e: { address: 10.231.0.15 } # the new one\n  # rack r4 is full`,
  )
  .replace("controlPlane:", "spares: [gpu-e]\ncontrolPlane:");
const lines = (text: string) => text.split("\n");
const difference = (before: string, after: string) => ({
  gone: lines(before).filter((line) => !lines(after).includes(line)),
  new: lines(after).filter((line) => !lines(before).includes(line)),
});
const textOf = (removal: ReturnType<typeof withoutServer>) => {
  if (!removal.ok) throw new Error(removal.why);
  return removal.text;
};
const now = { a: ["gpu-a", "gpu-b"], b: ["gpu-c", "gpu-d"] };

describe("a spec without a server", () => {
  test("that is a spare: its line and its place among the spares go, all else stands as it was written", () => {
    const after = textOf(withoutServer(spared, "local.yaml", "gpu-e", now));
    expect(difference(spared, after)).toEqual({
      gone: ["  gpu-e: { address: 10.231.0.15 } # the new one", "spares: [gpu-e]"],
      new: [],
    });
  });

  test("whose place a spare has taken: the group names the spare", () => {
    const after = textOf(withoutServer(spared, "local.yaml", "gpu-d", { ...now, b: ["gpu-e", "gpu-c"] }));
    const { gone, new: fresh } = difference(spared, after);
    expect(gone).toEqual([expect.stringContaining("  gpu-d:"), "spares: [gpu-e]", "  b: [gpu-c, gpu-d]"]);
    expect(fresh).toEqual(["  b: [gpu-c, gpu-e]"]);
  });

  test("one of several spares, in a list of lines and over lines", () => {
    const listed = spared
      .replace("spares: [gpu-e]", "spares:\n  - gpu-e\n  - gpu-f")
      .replace("  # rack r4", "  gpu-f:\n    address: 10.231.0.16\n  # rack r4");
    const after = textOf(withoutServer(listed, "local.yaml", "gpu-f", now));
    expect(after).toContain("\nspares:\n  [gpu-e]\ncontrolPlane:");
    expect(after).not.toContain("gpu-f");
    expect(after).not.toContain("10.231.0.16");
  });

  test.each([
    ["that is not in it", example, "gpu-x", /has no server gpu-x/],
    ["of a group", example, "gpu-d", /belongs to group b, which would lack a server/],
  ])("%s is refused", (_name, text, name, why) => {
    expect(withoutServer(text, "local.yaml", name, now)).toMatchObject({ ok: false, why: expect.stringMatching(why) });
  });

  test("that carries a gateway is refused with what the spec would lack", () => {
    const members = { ...now, b: ["gpu-d", "gpu-e"] };
    expect(withoutServer(spared, "local.yaml", "gpu-c", members)).toMatchObject({
      ok: false,
      why: expect.stringContaining("gpu-c"),
    });
  });
});
