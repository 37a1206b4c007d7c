import { globSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import { Ajv } from "ajv";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { specJsonSchema } from "../../src/spec/json-schema.ts";
import { parseSpec } from "../../src/spec/parse.ts";
import { ClusterSpecSchema } from "../../src/spec/schema.ts";
import { unwrap } from "../../src/spec/schema-at.ts";
import { changed } from "./specs.ts";

/** Every named field of the spec, as `path → schema`. */
function fieldsOf(schema: z.core.$ZodType, path: string): [string, z.ZodType][] {
  const inner = unwrap(schema);
  if (inner instanceof z.ZodObject) {
    return Object.entries(inner.shape as Record<string, z.ZodType>).flatMap(([name, field]) => [
      [`${path}.${name}`, field] as [string, z.ZodType],
      ...fieldsOf(field, `${path}.${name}`),
    ]);
  }
  if (inner instanceof z.ZodRecord) return fieldsOf(inner.valueType, `${path}.*`);
  if (inner instanceof z.ZodDiscriminatedUnion) {
    return inner.options.flatMap((option, index) => fieldsOf(option, `${path}[${index}]`));
  }
  return [];
}

const fields = fieldsOf(ClusterSpecSchema, "spec");
const stacks = globSync("stacks/*.yaml")
  .filter((path) => !path.startsWith("stacks/Pulumi."))
  .sort();

describe("every field explains itself", () => {
  test("there are fields to look at", () => {
    expect(fields.length).toBeGreaterThan(50);
  });

  test("each has a description", () => {
    expect(fields.filter(([, field]) => !field.meta()?.description).map(([path]) => path)).toEqual([]);
  });

  test("each default has a reason", () => {
    const silent = fields.filter(([, field]) => field instanceof z.ZodDefault && !field.meta()?.reason);
    expect(silent.map(([path]) => path)).toEqual([]);
  });
});

describe("the JSON Schema", () => {
  const schema = specJsonSchema();
  const accepts = new Ajv({ strict: false, validateFormats: false }).compile(schema);

  test("stacks/tandem.schema.json is not stale (else: npm run schema)", () => {
    expect(JSON.parse(readFileSync("stacks/tandem.schema.json", "utf8"))).toEqual(JSON.parse(JSON.stringify(schema)));
  });

  test("an editor shows description, default and reason", () => {
    expect(schema).toMatchObject({
      properties: {
        failover: {
          properties: {
            maxPerHour: {
              default: 2,
              description: expect.stringMatching(/Default 2: 16 GPUs meet about three faults a year/),
              "x-reason": expect.stringMatching(/pattern for a person/),
            },
          },
        },
      },
    });
  });

  test.each(stacks)("accepts %s", (stack) => {
    expect(accepts(parse(readFileSync(stack, "utf8"))), JSON.stringify(accepts.errors)).toBe(true);
  });

  test.each<[string, Record<string, unknown>]>([
    ["an unknown key", { "engine.iamge": "x" }],
    ["a wrong type", { protect: "yes" }],
    ["a wrong choice", { "failover.standby": "warm" }],
    ["a missing field", { "model.weights": undefined }],
    ["a wrong address", { "gateway.address": "10.0.0.300" }],
    ["a wrong name", { name: "Prod" }],
  ])("refuses %s", (_name, changes) => {
    expect(accepts(parse(changed(changes)))).toBe(false);
  });
});

describe("the stacks", () => {
  test.each(stacks)(
    "%s names its schema, carries its own name and has no other problem than a placeholder",
    (stack) => {
      const text = readFileSync(stack, "utf8");
      expect(text.split("\n")[0]).toBe("# yaml-language-server: $schema=tandem.schema.json");
      const result = parseSpec(text, stack, { allowPlaceholder: true });
      if (!result.ok) expect.fail(JSON.stringify(result.problems));
      expect(result.spec.name).toBe(basename(stack, ".yaml"));
      const real = result.spec.provision.kind !== "local";
      expect(result.warnings.map(({ code }) => code)).toEqual(real ? ["E_SPEC_IMAGE_PLACEHOLDER"] : []);
      expect(parseSpec(text, stack).ok).toBe(!real);
    },
  );

  test("are the six of the plan", () => {
    const names = stacks.map((stack) => basename(stack, ".yaml"));
    expect(names).toEqual(["degraded", "example", "local", "roce", "single", "spare"]);
  });
});
