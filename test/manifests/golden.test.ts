import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { GROUPS_FOLDER, groupFiles, manifestFiles } from "../../src/manifests/manifest-files.ts";
import { renderGroups, renderManifests } from "../../src/manifests/render.ts";
import { manifestYaml, toYaml } from "../../src/manifests/to-yaml.ts";
import { STACKS, stackPlan } from "../support/stacks.ts";

const hint = "stale; if the change is meant, run `npm run manifests` and look at the difference";

describe("manifests/ holds what the stacks render to, byte for byte", () => {
  test("one folder for each spec of stacks/ and none besides", () => {
    expect(STACKS.length).toBeGreaterThanOrEqual(6);
    // What watches a stack is the same for all of them.
    const folders = readdirSync("manifests").filter((name) => name !== "monitoring");
    expect(folders.sort(), hint).toEqual([...STACKS]);
  });

  test.each(STACKS)("%s", (name) => {
    const files = [
      ...manifestFiles(renderManifests(stackPlan(name))),
      ...groupFiles(renderGroups(stackPlan(name))).map((file) => ({ ...file, name: `${GROUPS_FOLDER}/${file.name}` })),
    ];
    const folder = `manifests/${name}`;
    const there = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".yaml"));
    const committed = Object.fromEntries(there.map((file) => [file, readFileSync(`${folder}/${file}`, "utf8")]));
    const rendered = Object.fromEntries(files.map((file) => [file.name, file.text]));
    expect(committed, hint).toEqual(rendered);
  });
});

describe("the order is fixed", () => {
  test.each(STACKS)("%s: the same bytes again, and whatever order the spec's maps have", (name) => {
    const plan = stackPlan(name);
    const reversed = {
      ...plan,
      groups: Object.fromEntries(Object.entries(plan.groups).reverse()),
      spec: { ...plan.spec, servers: Object.fromEntries(Object.entries(plan.spec.servers).reverse()) },
    };
    expect(toYaml(renderManifests(stackPlan(name)))).toBe(toYaml(renderManifests(plan)));
    expect(toYaml(renderManifests(reversed))).toBe(toYaml(renderManifests(plan)));
  });

  test.each(STACKS)("%s: what is referred to comes first, and names are unique", (name) => {
    const manifests = renderManifests(stackPlan(name));
    const keys = manifests.map(({ kind, metadata }) => `${kind}/${metadata.name}`);
    expect(new Set(keys).size).toBe(keys.length);
    const kinds = manifests.map(({ kind }) => kind);
    expect(kinds[0]).toBe("Namespace");
    const first = (kind: string) => kinds.indexOf(kind);
    for (const before of [
      "CustomResourceDefinition",
      "ServiceAccount",
      "ConfigMap",
      "Service",
      "DaemonSet",
      "Deployment",
    ])
      expect(first(before), before).toBeLessThan(first("ModelService"));
    expect(first("Role")).toBeLessThan(first("RoleBinding"));
    // In files applied by name the order is the same.
    const files = manifestFiles(manifests).map((file) => file.name);
    expect([...files].sort()).toEqual(files);
  });
});

describe("the YAML says what the objects say", () => {
  test.each(STACKS)("%s: read back by YAML 1.1, as Kubernetes does, nothing has changed", (name) => {
    for (const manifest of [...renderManifests(stackPlan(name)), ...renderGroups(stackPlan(name))]) {
      const text = manifestYaml(manifest);
      expect(parse(text, { version: "1.1" })).toEqual(JSON.parse(JSON.stringify(manifest)));
      expect(text).not.toMatch(/[&*]a\d|!!/);
    }
  });

  test.each([
    ["0"],
    ["1e3"],
    ["yes"],
    ["off"],
    ["0x1f"],
    ["1_000"],
    ["2026-11-24"],
    ["~"],
    ["null"],
    ["12:30:45"],
    [""],
  ])("the text %j stays a text", (text) => {
    const manifest = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "a" }, data: { key: text } };
    for (const version of ["1.1", "1.2"] as const)
      expect(parse(manifestYaml(manifest), { version }).data.key).toBe(text);
  });
});
