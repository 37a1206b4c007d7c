import { createHash } from "node:crypto";
import type { Engine } from "./engine.ts";

/** Labels on everything we make in an engine. What lacks `owner` with our home is foreign and never touched. */
export const LABEL = {
  owner: "tandem.home",
  stack: "tandem.stack",
  machine: "tandem.machine",
  role: "tandem.role",
  address: "tandem.address",
  gpus: "tandem.gpus",
  /** Digest of all that was asked for: tells "the same again" from "changed". */
  request: "tandem.request",
} as const;

/** Says whose an object is on a Docker that several people share, without naming a folder. */
export function ownerId(engine: Pick<Engine, "home">): string {
  return shortHash(engine.home);
}

/** Name of the container of a machine. */
export function containerName(stack: string, machine: string): string {
  return `tandem-${stack}-${machine}`;
}

/**
 * Begin of the names of throw-away containers of image builds. A name, because labels would go into the image that is
 * made from them and from there onto every machine.
 */
export function builderPrefix(engine: Pick<Engine, "home">): string {
  return `tandem-build-${ownerId(engine)}-`;
}

/** Name of the network of a stack. */
export function networkName(stack: string): string {
  return `tandem-${stack}`;
}

/** Name of the bridge of a stack: Linux allows 15 characters. */
export function bridgeName(engine: Pick<Engine, "home">, stack: string): string {
  return `tandem-${shortHash(`${engine.home} ${stack}`).slice(0, 8)}`;
}

/** A `filters` query that matches what is ours, of one stack or of all. */
export function ownFilter(engine: Pick<Engine, "home">, stack?: string): { filters: string } {
  const label = [`${LABEL.owner}=${ownerId(engine)}`, ...(stack === undefined ? [] : [`${LABEL.stack}=${stack}`])];
  return { filters: JSON.stringify({ label }) };
}

export function shortHash(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 12);
}
