import { createHash, timingSafeEqual } from "node:crypto";

export interface ApiKey {
  /** Shown in logs in place of the key. */
  name: string;
  /** SHA-256 of the key, in hex. */
  sha256: string;
}

/** Finds the key's name in a time that does not depend on which key it is. */
export class ApiKeys {
  #keys: readonly { name: string; digest: Buffer }[] = [];

  constructor(keys: readonly ApiKey[]) {
    this.replace(keys);
  }

  /** From now on these are the keys; whoever came in with another stays until its request is over. */
  replace(keys: readonly ApiKey[]): void {
    this.#keys = keys.map(({ name, sha256 }) => ({ name, digest: Buffer.from(sha256, "hex") }));
  }

  /** The name of the key in an `Authorization: Bearer` header; null if it is none of ours. */
  nameOf(authorization: string | undefined): string | null {
    const match = /^bearer +(\S+) *$/i.exec(authorization ?? "");
    const digest = createHash("sha256")
      .update(match?.[1] ?? "")
      .digest();
    let found: string | null = null;
    for (const key of this.#keys) if (timingSafeEqual(key.digest, digest)) found ??= key.name;
    return match === null ? null : found;
  }
}
