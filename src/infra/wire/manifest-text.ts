import { gunzipSync, gzipSync } from "node:zlib";

/** Definitions of other people's kinds are 160 KB of schema each, which Pulumi copies, logs and encrypts ten times an update. */
const PACKED_FROM_CHARS = 16_384;
const PACKED = "gzip:";

/**
 * A Kubernetes object as one text, packed if it is long: Pulumi makes a promise of each leaf of a tree, and copies it six
 * times on its way to the provider. Another zlib may pack otherwise; then the object is applied once more, and stays as it is.
 */
export function packManifest(manifest: object): string {
  const text = JSON.stringify(manifest);
  return text.length < PACKED_FROM_CHARS ? text : PACKED + gzipSync(text).toString("base64");
}

export function unpackManifest(text: string): object {
  const isPacked = text.startsWith(PACKED);
  const json = isPacked ? gunzipSync(Buffer.from(text.slice(PACKED.length), "base64")).toString("utf8") : text;
  return JSON.parse(json) as object;
}
