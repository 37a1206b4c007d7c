import type { Draft } from "../draft.ts";
import { type Problem, problem, type SpecPath, warning } from "../problem.ts";
import { EMULATOR_IMAGE } from "../schema-engine.ts";
import type { CheckOptions } from "./all.ts";

/** Marks a digest that could not be computed where the stack was written. Never a valid digest, so it cannot be pulled. */
export const PLACEHOLDER_DIGEST = "@sha256:placeholder";

const IMAGE: SpecPath = ["engine", "image"];
const REFERENCE =
  /^(?:[a-zA-Z0-9.-]+(?::\d+)?\/)?[a-z0-9]+(?:[._/-]+[a-z0-9]+)*(?::[\w][\w.-]{0,127})?(?:@sha256:(?:[0-9a-f]{64}|placeholder))?$/;

/** Real servers run images by digest only, and never the emulator. */
export function imageRules(spec: Draft, options: CheckOptions): Problem[] {
  return [...engineRules(spec, options), ...devicePluginRules(spec)];
}

function devicePluginRules({ provision }: Draft): Problem[] {
  const image = provision?.kind === "ssh" ? provision.devicePlugin : undefined;
  if (image === undefined || image === "none" || (REFERENCE.test(image) && /@sha256:[0-9a-f]{64}$/.test(image)))
    return [];
  return [
    problem("E_SPEC_DEVICE_PLUGIN", ["provision", "devicePlugin"], {
      what: `provision.devicePlugin ${image} is neither \`none\` nor an image with its digest`,
      why: "it runs on every GPU server and hands out their GPUs; a tag can move to another program",
      fix: `write name@sha256:… as \`docker buildx imagetools inspect ${image}\` prints it, or leave the field out`,
    }),
  ];
}

function engineRules({ engine, provision }: Draft, { allowPlaceholder = false }: CheckOptions): Problem[] {
  const image = engine?.image;
  if (image === undefined) return [];
  const name = image.split("@")[0];
  if (!REFERENCE.test(image)) {
    return [
      problem("E_SPEC_IMAGE", IMAGE, {
        what: `engine.image ${image} is not an image reference`,
        why: "it is name:tag@sha256: and 64 lower-case hexadecimal digits",
        fix: "copy it from the registry, e.g. with `crane digest` or `docker buildx imagetools inspect`",
      }),
    ];
  }
  if (provision?.kind === undefined || provision.kind === "local") return [];
  if (image === EMULATOR_IMAGE) {
    return [
      problem("E_SPEC_IMAGE_EMULATOR", IMAGE, {
        what: "engine.image is the emulator on real servers",
        why: "it computes nothing: it imitates SGLang for clusters without GPUs, and is in no registry",
        fix: "name SGLang's image with its digest, e.g. lmsysorg/sglang:v0.5.23@sha256:…",
      }),
    ];
  }
  if (image.endsWith(PLACEHOLDER_DIGEST)) {
    return [
      (allowPlaceholder ? warning : problem)("E_SPEC_IMAGE_PLACEHOLDER", IMAGE, {
        what: `the digest of ${name} is a placeholder`,
        why: "it could not be computed where this file was written, and a digest that nobody checked is worth nothing",
        fix: `put the real one in its place: \`docker buildx imagetools inspect ${name}\` prints it`,
      }),
    ];
  }
  if (/@sha256:[0-9a-f]{64}$/.test(image)) return [];
  return [
    problem("E_SPEC_IMAGE_DIGEST", IMAGE, {
      what: `engine.image ${image} has no digest`,
      why: "a tag can move: after a failover the standby would run another program than the active group",
      fix: `append the digest that \`docker buildx imagetools inspect ${image}\` prints: ${image}@sha256:…`,
    }),
  ];
}
