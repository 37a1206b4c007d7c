import fc from "fast-check";
import { expect, test } from "vitest";
import { z } from "zod";
import { checkInputs } from "../../src/infra/provider/check.ts";
import { diffInputs } from "../../src/infra/provider/diff.ts";
import { redactor } from "../../src/infra/provider/redact.ts";
import { type Plain, type PlainObject, printPath, UNKNOWN } from "../../src/infra/wire/value.ts";

interface Row {
  name: string;
  olds: PlainObject;
  news: PlainObject;
  ignore?: string[];
  changes: string[];
  replaces?: string[];
}

const rows: Row[] = [
  { name: "nothing", olds: { a: { b: [1] } }, news: { a: { b: [1] } }, changes: [] },
  { name: "a leaf", olds: { a: { b: 1, c: 2 } }, news: { a: { b: 1, c: 3 } }, changes: ["update a.c"] },
  { name: "a longer list", olds: { a: [1] }, news: { a: [1, 2] }, changes: ["add a[1]"] },
  { name: "a property that went", olds: { a: 1, b: 1 }, news: { a: 1 }, changes: ["delete b"] },
  { name: "a label", olds: { l: { "a/b": "x" } }, news: { l: { "a/b": "y" } }, changes: ['update l["a/b"]'] },
  { name: "another type", olds: { a: [1] }, news: { a: { 0: 1 } }, changes: ["update a"] },
  { name: "an unknown value", olds: { a: 1 }, news: { a: UNKNOWN }, changes: ["update a"] },
  { name: "one still unknown", olds: { a: UNKNOWN }, news: { a: UNKNOWN }, changes: ["update a"] },
  {
    name: "a key",
    olds: { key: "x", a: 1 },
    news: { key: "y", a: 2 },
    changes: ["update! key", "update a"],
    replaces: ["key"],
  },
  { name: "a key that was added", olds: { a: 1 }, news: { key: "x", a: 1 }, changes: ["add key"] },
  {
    name: "below a key",
    olds: { key: { x: 1 } },
    news: { key: { x: 2 } },
    changes: ["update! key.x"],
    replaces: ["key"],
  },
  { name: "ignored", olds: { a: { b: 1 }, c: 1 }, news: { a: { b: 2 }, c: 2 }, ignore: ["a"], changes: ["update c"] },
  {
    name: "quiet",
    olds: { quiet: { here: 1, there: 1 } },
    news: { quiet: { here: 2, there: 2 } },
    changes: ["update quiet.there"],
  },
  {
    name: "ignored below",
    olds: { a: { b: 1, bc: 1 } },
    news: { a: { b: 2, bc: 2 } },
    ignore: ["a.b"],
    changes: ["update a.bc"],
  },
];

test.each(rows)("diff: $name", ({ olds, news, ignore, changes, replaces }) => {
  const diff = diffInputs(olds, news, ["key"], { ignored: ignore ?? [], quiet: (path) => path === "quiet.here" });
  expect(diff.changes.map(({ kind, replaces, path }) => `${kind}${replaces ? "!" : ""} ${printPath(path)}`)).toEqual(
    changes,
  );
  expect(diff.replaces).toEqual(replaces ?? []);
});

test("equal values never differ, and a change of one leaf is one change", () => {
  const json = fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 })) as fc.Arbitrary<PlainObject>;
  fc.assert(
    fc.property(json, (value) => {
      expect(diffInputs(value, structuredClone(value), []).changes).toEqual([]);
    }),
  );
  fc.assert(
    fc.property(json, (value) => {
      const changed: PlainObject = { ...value, leaf: 1 as Plain };
      const diff = diffInputs(changed, { ...changed, leaf: 2 }, []);
      expect(diff.changes).toEqual([{ path: ["leaf"], kind: "update", replaces: false }]);
    }),
  );
});

test("a check names every bad property, passes over what a preview cannot know, and prints no value", () => {
  const schema = z.strictObject({ address: z.ipv4(), port: z.int(), key: z.string(), note: z.string().optional() });
  const failures = checkInputs(schema, { address: "not an address", port: UNKNOWN, colour: "blue", note: null });
  expect(failures.map(({ property }) => property)).toEqual(["colour", "address", "key"]);
  expect(JSON.stringify(failures)).not.toContain("not an address");
  expect(checkInputs(schema, { address: UNKNOWN, port: 1, key: "k" })).toEqual([]);
});

test("secrets are blanked out of what is printed, line by line and inside longer ones", () => {
  const key = "-----BEGIN KEY-----\nMIIBVgIBADANBgkqhkiG9w0B\n-----END KEY-----";
  const redact = redactor({ value: { key, token: "abcdef.token", pin: "1" }, secrets: [["key"], ["token"], ["pin"]] });
  expect(redact("bad line MIIBVgIBADANBgkqhkiG9w0B")).toBe("bad line [secret]");
  expect(redact("join --token abcdef.token 1")).toBe("join --token [secret] 1");
});
