import type { Evidence } from "../../health/evidence.ts";
import { inOrder, type ServerEvidence } from "../../health/server-evidence.ts";

type Of<K extends Evidence["kind"]> = Extract<Evidence, { kind: K }>;

/** The last word of a server of one kind that passes `where`; null where it has said none. */
export function latest<K extends Evidence["kind"]>(
  { pieces }: ServerEvidence,
  kind: K,
  where: (evidence: Of<K>) => boolean = () => true,
): Of<K> | null {
  const found = inOrder(pieces.filter(({ evidence }) => evidence.kind === kind && where(evidence as Of<K>)));
  return (found.at(-1)?.evidence as Of<K> | undefined) ?? null;
}

/** The last word on each subject of one kind, by `subjectOf`. */
export function latestEach<K extends Evidence["kind"]>(
  { pieces }: ServerEvidence,
  kind: K,
  subjectOf: (evidence: Of<K>) => string,
): Map<string, Of<K>> {
  const found = new Map<string, Of<K>>();
  for (const { evidence } of inOrder(pieces))
    if (evidence.kind === kind) found.set(subjectOf(evidence as Of<K>), evidence as Of<K>);
  return found;
}
