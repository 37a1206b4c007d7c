import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { tandem } from "../support/cli.ts";
import { FakeService } from "./fake-service.ts";

const example = readFileSync(join(import.meta.dirname, "../../stacks/local.yaml"), "utf8");
const spared = example
  .replace(/^ {2}gpu-d: .*$/m, (line) => `${line}\n  gpu-e: { address: 10.231.0.15 }`)
  .replace("controlPlane:", "spares: [gpu-e]\ncontrolPlane:");

let service: FakeService;
let file: string;
beforeEach(async () => {
  service = await FakeService.start();
  file = join(service.folder, "prod.yaml");
});
afterEach(() => service.close());

const remove = (name: string, ...args: string[]) =>
  tandem(["server", "remove", name, "--spec", file, ...args, ...service.access]);

/** A cluster with one server more, and a reconciler that drains what is asked for and lets the spare take its place. */
function withSpare(): void {
  writeFileSync(file, spared);
  service.change(({ spec, status }) => {
    spec.servers["gpu-e"] = { address: "10.0.0.5", agent: "http://10.0.0.5", engine: "http://10.0.0.5" };
    status?.servers.push({ name: "gpu-e", group: null, verdict: "healthy", reason: "nothing is wrong" });
  });
  service.onSpec = ({ spec }) => {
    service.handle("done", `${spec.request?.target} is out of service`);
    setTimeout(
      () =>
        service.change(({ status }) => {
          for (const group of status?.groups ?? [])
            group.servers = group.servers.map((one) => (one === spec.request?.target ? "gpu-e" : one));
        }),
      100,
    );
  };
}

test("a member leaves when a spare has its place, and the spec says so; `tandem up` does the rest", async () => {
  withSpare();
  const { exitCode, stdout } = await remove("gpu-d");
  expect({ exitCode, stdout }).toEqual({
    exitCode: 0,
    stdout: `${file} names gpu-d no more\n  to take it out of the cluster: tandem up ${file}`,
  });
  expect(service.spec.request).toMatchObject({ kind: "drain", target: "gpu-d" });
  const after = readFileSync(file, "utf8");
  expect(after).toContain("\n  b: [gpu-c, gpu-e]\n");
  expect(after).not.toMatch(/gpu-d|spares/);
});

test("a spare leaves at once", async () => {
  withSpare();
  const { exitCode, stdout } = await remove("gpu-e", "--output", "json");
  expect({ exitCode, told: JSON.parse(stdout) }).toEqual({
    exitCode: 0,
    told: { outcome: "done", server: "gpu-e", spec: file },
  });
  expect(readFileSync(file, "utf8")).toBe(example);
});

test.each([
  [
    "without a spare its group would lack a server",
    () => writeFileSync(file, example),
    "gpu-d",
    /group b, which would lack/,
  ],
  ["a gateway is on it", withSpare, "gpu-c", /gpu-c/],
  ["the spec cannot be read", () => {}, "gpu-d", /ENOENT/],
])("refused before anything is done: %s", async (_name, plant, name, why) => {
  plant();
  const { exitCode, stderr } = await remove(name);
  expect(stderr).toMatch(why);
  expect(exitCode).toBe(1);
  expect(service.patches).toEqual([]);
});

test("while no spare has come, the spec stays and the command says that it is not known yet", async () => {
  withSpare();
  service.onSpec = () => service.handle("done", "gpu-d is out of service");
  const { exitCode, stdout } = await remove("gpu-d", "--timeout", "1");
  expect(exitCode).toBe(3);
  expect(stdout).toContain("no spare has taken its place yet");
  expect(readFileSync(file, "utf8")).toBe(spared);
});
