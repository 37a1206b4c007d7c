import type { Struct } from "google-protobuf/google/protobuf/struct_pb.js";
import { OUTPUT_SIGNATURE, RESOURCE_SIGNATURE, SECRET_SIGNATURE, SIGNATURE_KEY, UNKNOWN_STRINGS } from "./marks.ts";
import { type Decoded, isObject, type Plain, type PlainObject, type PropertyPath, UNKNOWN } from "./value.ts";

/** A missing Struct is an empty one: the engine leaves out what it does not have. */
export function decodeStruct(struct: Struct | undefined): Decoded {
  return decode((struct?.toJavaScript() ?? {}) as { [key: string]: unknown });
}

/**
 * Takes the engine's markers off: secrets and outputs are replaced by what they hold, unknown values by `UNKNOWN`, and
 * the places of the secrets are kept aside so that `encode` can put the marks back.
 *
 * @param wire what `Struct.toJavaScript()` gives.
 */
export function decode(wire: { [key: string]: unknown }): Decoded {
  const secrets: PropertyPath[] = [];
  const value = decodeObject(wire, [], secrets);
  return { value, secrets };
}

function decodeValue(wire: unknown, path: PropertyPath, secrets: PropertyPath[]): Plain {
  if (wire === null || wire === undefined) return null;
  if (typeof wire === "string") return UNKNOWN_STRINGS.has(wire) ? UNKNOWN : wire;
  if (typeof wire === "number" || typeof wire === "boolean") return wire;
  if (Array.isArray(wire)) return wire.map((item, index) => decodeValue(item, [...path, index], secrets));
  if (!isObject(wire)) throw new Error(`property ${path.join(".")} has a type that Pulumi does not define`);
  switch (wire[SIGNATURE_KEY]) {
    case undefined:
      return decodeObject(wire, path, secrets);
    case SECRET_SIGNATURE:
      markSecret(path, secrets);
      return decodeValue(wire.value, path, secrets);
    case OUTPUT_SIGNATURE:
      if (wire.secret === true) markSecret(path, secrets);
      // An output that is not known yet has no value; a known one may well be null.
      return "value" in wire ? decodeValue(wire.value, path, secrets) : UNKNOWN;
    case RESOURCE_SIGNATURE:
      return typeof wire.id === "string" && wire.id !== "" ? decodeValue(wire.id, path, secrets) : UNKNOWN;
    default:
      throw new Error(`property ${path.join(".")} is an asset or archive, which no resource of this provider takes`);
  }
}

function decodeObject(wire: { [key: string]: unknown }, path: PropertyPath, secrets: PropertyPath[]): PlainObject {
  const value: PlainObject = {};
  for (const [key, item] of Object.entries(wire)) value[key] = decodeValue(item, [...path, key], secrets);
  return value;
}

// A secret output that holds a secret is marked twice on the wire, once in our list.
function markSecret(path: PropertyPath, secrets: PropertyPath[]): void {
  const last = secrets.at(-1);
  if (last?.length !== path.length || last.some((step, index) => step !== path[index])) secrets.push(path);
}
