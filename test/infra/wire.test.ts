import fc from "fast-check";
import struct from "google-protobuf/google/protobuf/struct_pb.js";
import { expect, test } from "vitest";
import { decode, decodeStruct } from "../../src/infra/wire/decode.ts";
import { encode, encodeStruct } from "../../src/infra/wire/encode.ts";
import { OUTPUT_SIGNATURE, SECRET_SIGNATURE, SIGNATURE_KEY, UNKNOWN_STRINGS } from "../../src/infra/wire/marks.ts";
import { at, hasUnknown, isObject, type Plain, printPath, UNKNOWN } from "../../src/infra/wire/value.ts";

const secret = (value: unknown) => ({ [SIGNATURE_KEY]: SECRET_SIGNATURE, value });
const output = (fields: object) => ({ [SIGNATURE_KEY]: OUTPUT_SIGNATURE, ...fields });

const key = fc.string({ minLength: 1, maxLength: 6 }).filter((name) => name !== "__proto__" && name !== SIGNATURE_KEY);
const leaf = fc.oneof(
  fc.string({ maxLength: 8 }),
  fc.boolean(),
  fc.integer(),
  fc.constant(null),
  fc.constantFrom(...UNKNOWN_STRINGS),
);
// Trees as the engine sends them: secrets, outputs, secrets in outputs, and all of these inside each other.
const { tree } = fc.letrec((tie) => ({
  tree: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    leaf,
    fc.array(tie("tree"), { maxLength: 3 }),
    fc.dictionary(key, tie("tree"), { maxKeys: 3 }),
    tie("tree").map(secret),
    tie("tree").map((value) => output({ value })),
    tie("tree").map((value) => output({ value, secret: true, dependencies: ["urn:a"] })),
    fc.constantFrom(output({}), output({ secret: true })),
  ),
}));
const properties = fc.dictionary(key, tree, { maxKeys: 4 }) as fc.Arbitrary<Record<string, unknown>>;

test("what was secret or unknown on the wire is so again after a round trip through protobuf", () => {
  fc.assert(
    fc.property(properties, (wire) => {
      const once = decode(wire);
      const again = decodeStruct(encodeStruct(once));
      expect(again.value).toEqual(once.value);
      expect(again.secrets.map(printPath).sort()).toEqual([...new Set(once.secrets.map(printPath))].sort());
    }),
    { numRuns: 500 },
  );
});

test("no marker is left in a decoded value, and every secret place exists in it", () => {
  fc.assert(
    fc.property(properties, (wire) => {
      const { value, secrets } = decode(wire);
      expect(JSON.stringify(value)).not.toContain(SIGNATURE_KEY);
      for (const path of secrets) expect(at(value, path), printPath(path)).not.toBeUndefined();
      const walk = (here: Plain): void => {
        if (typeof here === "string") expect(UNKNOWN_STRINGS.has(here)).toBe(false);
        else if (Array.isArray(here)) here.forEach(walk);
        else if (isObject(here)) Object.values(here).forEach(walk);
      };
      walk(value);
    }),
    { numRuns: 500 },
  );
});

test.each([
  { name: "a secret", wire: secret("x"), value: "x", secrets: ["a"] },
  { name: "an output", wire: output({ value: 3 }), value: 3, secrets: [] },
  { name: "a secret output", wire: output({ value: "x", secret: true }), value: "x", secrets: ["a"] },
  { name: "an output that is null", wire: output({ value: null }), value: null, secrets: [] },
  { name: "an output that is not known", wire: output({}), value: UNKNOWN, secrets: [] },
  { name: "a secret output that is not known", wire: output({ secret: true }), value: UNKNOWN, secrets: ["a"] },
  { name: "a secret inside a list", wire: [1, secret("x")], value: [1, "x"], secrets: ["a[1]"] },
  {
    name: "a secret under a name with dots",
    wire: { "b.c/d": secret(1) },
    value: { "b.c/d": 1 },
    secrets: ['a["b.c/d"]'],
  },
  {
    name: "a secret in a secret output",
    wire: output({ value: secret("x"), secret: true }),
    value: "x",
    secrets: ["a"],
  },
])("$name", ({ wire, value, secrets }) => {
  const decoded = decode({ a: wire });
  expect(decoded.value).toEqual({ a: value });
  expect(decoded.secrets.map(printPath)).toEqual(secrets);
  expect(hasUnknown(decoded.value)).toBe(value === UNKNOWN);
});

test("the secrets of the inputs can be handed over with outputs that lack some of them", () => {
  const { secrets } = decode({ password: secret("x"), gone: secret("y") });
  expect(encode({ value: { password: "x", id: 1 }, secrets })).toEqual({ password: secret("x"), id: 1 });
});

test("an asset is refused: no resource takes one", () => {
  const asset = { [SIGNATURE_KEY]: "c44067f5952c0a294b673a41bacd8c17", text: "x" };
  expect(() => decodeStruct(struct.Struct.fromJavaScript({ a: asset }))).toThrow("property a is an asset");
});
