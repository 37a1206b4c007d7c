import { describe, expect, it } from "vitest";
import { cgroupParent } from "../../../src/machines/local/cgroups.ts";
import { unframe } from "../../../src/machines/local/container.ts";
import { bridgeName, LABEL } from "../../../src/machines/local/labels.ts";
import { unescapePath } from "../../../src/machines/local/leftovers.ts";
import { machineFiles } from "../../../src/machines/local/machine-files.ts";
import {
  assertOurs,
  assertSame,
  machineFromLabels,
  machineLabels,
} from "../../../src/machines/local/machine-record.ts";

const engine = { home: "/srv/tandem" };
const request = {
  stack: "local",
  name: "gpu-a",
  address: "10.231.0.11",
  role: "gpu" as const,
  gpus: 8,
  authorizedKey: "ssh-ed25519 AAAA tandem",
  image: "tandem-machine:1",
};

describe("the record of a machine", () => {
  const labels = machineLabels(engine, request);
  const info = (Labels: Record<string, string> | null) => ({ Config: { Labels } });

  it("comes back from its labels", () => {
    const { stack, name, address, role, gpus } = request;
    const container = "tandem-local-gpu-a";
    const machine = { stack, name, address, role, gpus, container, state: "running" };
    expect(machineFromLabels(container, "running", labels)).toEqual(machine);
  });

  it.each([
    ["no labels", null],
    ["another TANDEM_HOME", { ...labels, [LABEL.owner]: "0123456789ab" }],
    ["another stack", { ...labels, [LABEL.stack]: "prod" }],
    ["another machine", { ...labels, [LABEL.machine]: "gpu-b" }],
  ])("is foreign with %s", (_name, found) => {
    expect(() => assertOurs(engine, request, info(found))).toThrow("E_MACHINE_FOREIGN");
  });

  it("is the same whatever the image, and another one for each other property", () => {
    expect(() => assertOurs(engine, request, info(labels))).not.toThrow();
    expect(() => assertSame({ ...request, image: "tandem-machine:2" }, info(labels))).not.toThrow();
    expect(() => assertSame({ ...request, authorizedKey: `${request.authorizedKey}\n` }, info(labels))).not.toThrow();
    const changes = [
      { address: "10.231.0.12" },
      { gpus: 4 },
      { role: "control-plane" as const },
      { authorizedKey: "ssh-ed25519 BBBB" },
    ];
    for (const change of changes) {
      expect(() => assertSame({ ...request, ...change }, info(labels)), JSON.stringify(change)).toThrow(
        "E_MACHINE_DIFFERS",
      );
    }
  });

  it("holds no key", () => {
    expect(JSON.stringify(labels)).not.toContain("AAAA");
  });
});

it("names bridges within the 15 characters of Linux, one per home and stack", () => {
  const names = ["local", "a-stack-name-of-forty-characters-exactly"].map((stack) => bridgeName(engine, stack));
  expect(names.every((name) => name.length <= 15)).toBe(true);
  expect(new Set([...names, bridgeName({ home: "/other" }, "local")]).size).toBe(3);
  expect(cgroupParent("/a")).not.toBe(cgroupParent("/b"));
});

it("takes the frames out of a container's log", () => {
  const frame = (stream: number, text: string) => {
    const head = Buffer.alloc(8);
    head[0] = stream;
    head.writeUInt32BE(text.length, 4);
    return Buffer.concat([head, Buffer.from(text)]);
  };
  expect(unframe(Buffer.concat([frame(1, "one\n"), frame(2, "two")]))).toBe("one\ntwo");
  expect(unframe(Buffer.from([1, 0]))).toBe("");
});

it("reads paths of mountinfo", () => {
  expect(unescapePath("/a\\040b\\134c")).toBe("/a b\\c");
});

it("puts no secret and no setting of the shared kernel into the image", () => {
  const files = machineFiles();
  const text = files.map((file) => ("content" in file ? String(file.content) : "")).join("\n");
  expect(text).not.toMatch(/PRIVATE KEY|authorized_keys|ssh-ed25519 /);
  const sysctls = files.filter(({ path }) => path.startsWith("etc/sysctl.d/"));
  expect(sysctls.length).toBeGreaterThan(0);
  for (const file of sysctls) expect(file).toMatchObject({ symlink: "/dev/null" });
});
