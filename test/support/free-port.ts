import { freePorts } from "../../src/drill/world/ports.ts";

/**
 * A free TCP port of 127.0.0.1, for what takes its port some time after it was told which. Not one that the kernel picks:
 * those are of the range that every outgoing connection takes its own from, and some test always connects.
 */
export async function freePort(): Promise<number> {
  const [port = 0] = await freePorts(1);
  return port;
}
