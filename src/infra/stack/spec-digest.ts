import { createHash } from "node:crypto";
import { TandemError } from "../../errors.ts";

/** How `tandem up` tells the Pulumi program, which reads the spec again, what it has read itself. */
const VARIABLE = "TANDEM_SPEC_SHA256";

/** The variable for an update that belongs to this text of a spec. */
export function specVariable(text: string): Record<string, string> {
  return { [VARIABLE]: digestOf(text) };
}

/**
 * Refuses a spec that was edited between the start of `tandem up` and the start of its program: half of the update would
 * belong to either. A `pulumi up` by itself reads the spec once and has nothing to compare.
 *
 * @throws TandemError E_SPEC_CHANGED
 */
export function assertSameSpec(text: string, file: string): void {
  const expected = process.env[VARIABLE];
  if (expected === undefined || expected === digestOf(text)) return;
  throw new TandemError({
    code: "E_SPEC_CHANGED",
    what: `${file} was edited while \`tandem up\` was at work`,
    why: "programs and images were prepared for the text that it had at the start; nothing was changed for the new one",
    fix: `run \`tandem up ${file}\` again: it takes the new text as a whole`,
  });
}

function digestOf(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
