import protocol from "@pulumi/pulumi/proto/provider_pb.js";
import { printPath } from "../wire/value.ts";
import type { PropertyChange, ResourceDiff } from "./diff.ts";

const { Kind } = protocol.PropertyDiff;
const kinds = {
  add: { inPlace: Kind.ADD, replacing: Kind.ADD_REPLACE },
  delete: { inPlace: Kind.DELETE, replacing: Kind.DELETE_REPLACE },
  update: { inPlace: Kind.UPDATE, replacing: Kind.UPDATE_REPLACE },
} as const satisfies Record<PropertyChange["kind"], unknown>;

/** A diff in the engine's form, with the detailed list that `pulumi preview --diff` prints. */
export function diffResponse({ changes, replaces }: ResourceDiff): protocol.DiffResponse {
  const response = new protocol.DiffResponse();
  const { DIFF_NONE, DIFF_SOME } = protocol.DiffResponse.DiffChanges;
  response.setChanges(changes.length === 0 ? DIFF_NONE : DIFF_SOME);
  response.setReplacesList(replaces);
  response.setDiffsList([...new Set(changes.map(({ path }) => String(path[0])))]);
  // Two of a kind cannot exist side by side: a server has one address, an object one name.
  response.setDeletebeforereplace(replaces.length > 0);
  for (const change of changes) {
    const detail = new protocol.PropertyDiff();
    detail.setKind(kinds[change.kind][change.replaces ? "replacing" : "inPlace"]);
    // Both sides of the comparison are inputs: after a refresh they hold what the world looks like.
    detail.setInputdiff(true);
    response.getDetaileddiffMap().set(printPath(change.path), detail);
  }
  response.setHasdetaileddiff(true);
  return response;
}
