import { existsSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { nodeImageReferences } from "../../../src/machines/images/node-images.ts";
import { buildFlags } from "../../../src/machines/tools/build-key.ts";
import { catalogue, toolNames } from "../../../src/machines/tools/catalogue.ts";
import { releaseOf } from "../../../src/machines/tools/fetch-release.ts";
import { isBetween } from "../../../src/machines/tools/find-on-path.ts";

const goMod = (module: string) => readFileSync(`tools/${module}/go.mod`, "utf8");

describe("the catalogue agrees with what is built", () => {
  test.each([
    ["kubernetes", "kubernetes", "k8s.io/kubernetes v"],
    ["lws", "kubernetes", "sigs.k8s.io/lws v"],
    ["coredns", "kubernetes", "github.com/coredns/coredns v"],
    ["etcd", "etcd", "go.etcd.io/etcd/server/v3 v"],
    ["pulumi", "pulumi", "github.com/pulumi/pulumi/pkg/v3 v"],
  ] as const)("%s has the version that tools/%s/go.mod requires", (name, module, requirement) => {
    expect(catalogue[name].build?.module).toBe(module);
    expect(goMod(module)).toContain(`${requirement}${catalogue[name].version}`);
  });

  test.each(toolNames.filter((name) => catalogue[name].build))("the Go that %s accepts compiles its module", (name) => {
    const module = catalogue[name].build?.module ?? "";
    const line = /^go (\S+)$/m.exec(goMod(module))?.[1] ?? "";
    const { from = "", below = "" } = catalogue.go.onPath ?? {};
    // With GOTOOLCHAIN=local a Go older than this line refuses the module.
    expect(isBetween(from, line, below)).toBe(true);
    expect(isBetween(catalogue.go.version, from, below)).toBe(true);
    expect(existsSync(`tools/${module}/go.sum`) || module === "pause").toBe(true);
  });

  test("what is stamped is what is pinned", () => {
    const flags = (name: "kubernetes" | "pulumi" | "pause") => {
      const { build } = catalogue[name];
      return build && buildFlags(build).at(-1);
    };
    expect(flags("kubernetes")).toContain(
      `-X k8s.io/component-base/version.gitVersion=v${catalogue.kubernetes.version}`,
    );
    expect(flags("kubernetes")).toContain(
      `-X k8s.io/client-go/pkg/version.gitVersion=v${catalogue.kubernetes.version}`,
    );
    expect(flags("pulumi")).toContain(`version.Version=v${catalogue.pulumi.version}`);
    expect(flags("pause")).toContain(`main.version=${catalogue.pause.version}`);
  });

  test("images are tagged with the versions that are in them", () => {
    expect(nodeImageReferences.apiserver).toContain(`:v${catalogue.kubernetes.version}`);
    expect(nodeImageReferences.coredns).toContain(`:v${catalogue.coredns.version}`);
    expect(nodeImageReferences.lws).toContain(`:v${catalogue.lws.version}`);
    expect(nodeImageReferences.pause).toContain(`:${catalogue.pause.version}`);
  });
});

describe("the ways", () => {
  test.each(toolNames)("%s can be had on a Linux that has a package index", (name) => {
    const { build, sameFileAs } = catalogue[name];
    expect(name === "go" || build !== undefined || (sameFileAs && catalogue[sameFileAs].build) !== undefined).toBe(
      true,
    );
  });

  test("what runs on nodes is never taken from PATH", () => {
    expect(toolNames.filter((name) => catalogue[name].onPath)).toEqual(["go", "pulumi", "kubectl"]);
  });

  test.each(toolNames)("%s: a release is used with a whole sha256 only, and else says why not", (name) => {
    const release = releaseOf(name);
    if (typeof release === "string") expect(release.length).toBeGreaterThan(20);
    else expect(release.sha256).toMatch(/^[0-9a-f]{64}$/);
  });

  test.each([
    ["1.26.0", true],
    ["1.26", true],
    ["1.26.10", true],
    ["1.25.9", false],
    ["1.27.0", false],
    ["2.0.0", false],
  ])("Go %s is accepted: %s", (version, accepted) => {
    expect(isBetween(version, "1.26.0", "1.27.0")).toBe(accepted);
  });
});
