import struct from "google-protobuf/google/protobuf/struct_pb.js";
import { SECRET_SIGNATURE, SIGNATURE_KEY, UNKNOWN_STRING } from "./marks.ts";
import { type Decoded, isObject, type Plain, type PropertyPath, UNKNOWN } from "./value.ts";

export function encodeStruct(decoded: Decoded): struct.Struct {
  return struct.Struct.fromJavaScript(encode(decoded) as { [key: string]: struct.JavaScriptValue });
}

/**
 * Puts the engine's markers back on: `UNKNOWN` becomes its agreed string and every value at a path of `secrets` is
 * wrapped as a secret. Paths that the value does not have are ignored, so the secrets of the inputs can be handed over
 * with the outputs.
 */
export function encode({ value, secrets }: Decoded): { [key: string]: unknown } {
  const tree = secretTree(secrets);
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, encodeValue(item, tree.below.get(key))] as const),
  );
}

interface SecretNode {
  secret: boolean;
  below: Map<string | number, SecretNode>;
}

function secretTree(paths: readonly PropertyPath[]): SecretNode {
  const root: SecretNode = { secret: false, below: new Map() };
  for (const path of paths) {
    let node = root;
    for (const step of path) {
      let next = node.below.get(step);
      if (!next) {
        next = { secret: false, below: new Map() };
        node.below.set(step, next);
      }
      node = next;
    }
    node.secret = true;
  }
  return root;
}

function encodeValue(value: Plain, node: SecretNode | undefined): unknown {
  const bare = encodeBare(value, node);
  return node?.secret ? { [SIGNATURE_KEY]: SECRET_SIGNATURE, value: bare } : bare;
}

function encodeBare(value: Plain, node: SecretNode | undefined): unknown {
  if (value === UNKNOWN) return UNKNOWN_STRING;
  if (Array.isArray(value)) return value.map((item, index) => encodeValue(item, node?.below.get(index)));
  if (!isObject(value)) return value;
  // protobuf has no "undefined": a property that is not set must not be there at all.
  const set = Object.entries(value).filter(([, item]) => item !== undefined);
  return Object.fromEntries(set.map(([key, item]) => [key, encodeValue(item, node?.below.get(key))] as const));
}
