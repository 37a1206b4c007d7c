import fc from "fast-check";
import { expect, test } from "vitest";
import { secretsIn } from "./secret-search.ts";

test("a secret is found as it is and in base64, wherever it begins and whatever is around it", () => {
  const around = fc.uint8Array({ maxLength: 40 });
  const text = fc.string({ minLength: 20, maxLength: 40, unit: "binary-ascii" });
  fc.assert(
    fc.property(around, around, text, (before, after, secret) => {
      const whole = Buffer.concat([before, Buffer.from(secret), after]);
      for (const shape of ["latin1", "base64"] as const)
        expect(secretsIn(whole.toString(shape), { secret })).toEqual(["secret"]);
    }),
  );
});

test("what only looks like a secret is not found", () => {
  const other = Buffer.from("the quick brown fox jumps over the lazy dog");
  for (const shape of ["latin1", "base64"] as const)
    expect(secretsIn(other.toString(shape), { secret: "the quick brown fix jumps" })).toEqual([]);
});
