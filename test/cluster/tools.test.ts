import { execFileSync } from "node:child_process";
import { readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { toolsDir } from "../../src/machines/home.ts";
import { nodeImageReferences } from "../../src/machines/images/node-images.ts";
import { fetchLwsModule, LWS_MANIFESTS, renderLwsManifests } from "../../tools/lws/render.ts";
import { temporaryFolders } from "../support/temporary-folder.ts";

const folder = temporaryFolders();

/** One program of the Kubernetes build, under the name that tells it which part to play. */
function kubernetesAs(name: string): string {
  const path = join(folder(), name);
  symlinkSync(join(toolsDir(), "kubernetes-1.36.3", "kubernetes"), path);
  return path;
}

// Here, since these need the tools, which the gate builds after the unit tests.
describe("what is committed, against the real tools", () => {
  test("kubeadm asks for exactly the images that nodes have", () => {
    const arguments_ = ["config", "images", "list", "--kubernetes-version", "v1.36.3"];
    const listed = execFileSync(kubernetesAs("kubeadm"), arguments_, { encoding: "utf8" }).trim().split("\n");
    const { lws: _notKubeadms, ...ours } = nodeImageReferences;
    expect(listed.sort()).toEqual(Object.values(ours).sort());
  });

  test("the manifests of LeaderWorkerSet are what kustomize makes of the module", async () => {
    const module = await fetchLwsModule(folder());
    expect(await renderLwsManifests(kubernetesAs("kubectl"), module)).toBe(readFileSync(LWS_MANIFESTS, "utf8"));
  });
});
