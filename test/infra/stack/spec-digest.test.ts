import { afterEach, expect, test } from "vitest";
import { assertSameSpec, specVariable } from "../../../src/infra/stack/spec-digest.ts";

afterEach(() => {
  delete process.env.TANDEM_SPEC_SHA256;
});

test("a spec that was edited while `up` runs is refused, the same one and a bare `pulumi up` are not", () => {
  expect(() => assertSameSpec("name: a", "/s.yaml")).not.toThrow();
  Object.assign(process.env, specVariable("name: a"));
  expect(() => assertSameSpec("name: a", "/s.yaml")).not.toThrow();
  expect(() => assertSameSpec("name: b", "/s.yaml")).toThrow(
    /\/s\.yaml was edited while.*nothing was changed.*\n {2}fix: run `tandem up \/s\.yaml` again.*\[E_SPEC_CHANGED\]/,
  );
});
