import { type KeyPair, selfSigned } from "../../src/emulator/bmc/certificate.ts";

/** For 127.0.0.1, valid for an hour. */
export function certificateForLoopback(name = "tandem test"): KeyPair {
  return selfSigned(name, ["127.0.0.1"], 3_600_000);
}
