import { TandemError } from "../../errors.ts";
import { type LiveObject, printReference, referenceTo } from "../../kube/objects.ts";

function managers(object: LiveObject): string[] {
  const fields = object.metadata.managedFields;
  return Array.isArray(fields) ? fields.map(({ manager }: { manager?: string }) => manager ?? "") : [];
}

/** Whether we have applied anything to the object: the API server keeps that record, no annotation of ours can be copied. */
export function isOurs(object: LiveObject, fieldManager: string): boolean {
  return managers(object).includes(fieldManager);
}

/** @throws TandemError E_OBJECT_FOREIGN for an object that was made by somebody else. */
export function assertOurs(object: LiveObject, fieldManager: string): void {
  if (isOurs(object, fieldManager)) return;
  const reference = referenceTo(object);
  const others = [...new Set(managers(object))].join(", ") || "nobody who is known";
  throw new TandemError({
    code: "E_OBJECT_FOREIGN",
    what: `${printReference(reference)} exists and is not ours`,
    why: `its fields were written by ${others}, none by ${fieldManager}; taking it over would also delete it one day`,
    fix: "remove that object if nobody needs it, or give the stack another name, then run the same command again",
  });
}
