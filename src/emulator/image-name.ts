/** What the local cluster runs in place of `lmsysorg/sglang`. It is in no registry: nodes import the archive. */
export const EMULATOR_IMAGE = "tandem.local/sglang-emulator:dev";
