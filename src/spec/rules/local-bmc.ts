import type { Draft } from "../draft.ts";
import { type Problem, problem } from "../problem.ts";
import { entriesOf } from "./read.ts";

/** The BMCs of local machines are emulated: `tandem up` makes their passwords and their certificate. */
export function localBmcRules(spec: Draft): Problem[] {
  if (spec.provision?.kind !== "local") return [];
  return entriesOf(spec.servers).flatMap(([server, { bmc }]) =>
    (["secretFile", "caFile", "fingerprint"] as const)
      .filter((field) => bmc?.[field] !== undefined)
      .map((field) =>
        problem("E_SPEC_BMC", ["servers", server, "bmc", field], {
          what: `${server} is a local machine, whose BMC is emulated`,
          why: "its password and certificate are made by `tandem up` and lie in the stack's folder",
          fix: `take bmc.${field} out; bmc.address alone is enough`,
        }),
      ),
  );
}
