import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { onServer } from "../../../src/infra/resources/server-link.ts";
import { resumeVariable } from "../../../src/infra/stack/resume.ts";

const before = process.env.TANDEM_RESUME;
afterEach(() => {
  if (before === undefined) delete process.env.TANDEM_RESUME;
  else process.env.TANDEM_RESUME = before;
});

const access = { user: "root", port: 22, identityFile: "/k", knownHosts: "/h" };
/** What an error on a server says to run. */
const named = () =>
  onServer({ name: "gpu-a", address: "192.0.2.1", access }, async (remote) => Promise.resolve(remote.resume));

test("what fails on a server names the command that was given, and the stock one where none was", async () => {
  delete process.env.TANDEM_RESUME;
  expect(await named()).toBe("pulumi up");
  for (const verb of ["up", "down"] as const) {
    Object.assign(process.env, resumeVariable(verb, join(process.cwd(), "stacks/prod.yaml")));
    expect(await named()).toBe(`tandem ${verb} stacks/prod.yaml`);
  }
});

test("a spec elsewhere is named by its whole path, in quotes where a shell needs them", () => {
  expect(resumeVariable("up", "/somewhere/a b.yaml")).toEqual({ TANDEM_RESUME: "tandem up '/somewhere/a b.yaml'" });
});
