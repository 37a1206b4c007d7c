import { expect, test } from "vitest";
import { NVIDIA_DEVICE_PLUGIN } from "../../src/manifests/device-plugin.ts";
import { renderManifests } from "../../src/manifests/render.ts";
import { planned } from "../plan/good-spec.ts";

const OWN = `registry.example/k8s-device-plugin@sha256:${"0".repeat(64)}`;
const SSH = { kind: "ssh", identityFile: "key", knownHosts: "hosts" };

const imagesOf = (provision: object) =>
  renderManifests(planned({ provision }))
    .filter(({ metadata }) => metadata.name === "nvidia-device-plugin")
    .map(
      ({ spec }) =>
        (spec as { template: { spec: { containers: { image: string }[] } } }).template.spec.containers[0]?.image,
    );

test.each([
  ["a cluster that Tandem makes has NVIDIA's", SSH, [NVIDIA_DEVICE_PLUGIN]],
  ["from the operator's own registry", { ...SSH, devicePlugin: OWN }, [OWN]],
  ["not beside the GPU Operator", { ...SSH, devicePlugin: "none" }, []],
  ["not in a cluster of somebody else", { kind: "existing", kubeconfig: "config" }, []],
])("%s", (_what, provision, images) => {
  expect(imagesOf(provision)).toEqual(images);
});
