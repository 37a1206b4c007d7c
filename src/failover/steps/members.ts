import { act, type Decision, escalate } from "../decision.ts";
import { serverOf } from "../intact.ts";
import type { GroupObserved, Observed, ServerObserved } from "../observed.ts";

/**
 * Completes the members of a stopped group: what is in quarantine, or cordoned by a person so that nothing would start there,
 * leaves when somebody can take its place.
 */
export function membersOf(group: GroupObserved, seen: Observed): { complete: boolean; steps: Decision[] } {
  const lost = group.members.filter((name) => {
    const server = serverOf(seen, name);
    return server === undefined || server.quarantine !== null || server.reserved;
  });
  const missing = group.size - group.members.length;
  if (lost.length === 0 && missing <= 0) return { complete: true, steps: [] };
  return { complete: false, steps: completing(group, lost[0], missing, seen) };
}

function completing(group: GroupObserved, first: string | undefined, missing: number, seen: Observed): Decision[] {
  const { chosen, rejected } = spareFor(seen);
  if (chosen !== null && first !== undefined && missing <= 0) {
    const action = { kind: "remove-member", group: group.id, server: first } as const;
    return [act("rebuild", action, `${chosen.name} takes the place of ${first}`)];
  }
  if (chosen !== null && missing > 0) {
    const action = { kind: "add-member", group: group.id, server: chosen.name } as const;
    return [act("rebuild", action, `${group.id} lacks ${missing} of ${group.size} servers`)];
  }
  // A member in quarantine that is being mended comes back to its place; only an empty place needs a server.
  if (missing <= 0) return cordoned(group, seen);
  const detail = `${group.id} lacks ${missing} of ${group.size} servers; ${rejected.join("; ") || "there is no other"}`;
  return [escalate("no-server", detail, "add a server to the spec, or mend one and: tandem server return NAME")];
}

function cordoned({ id, members }: GroupObserved, seen: Observed): Decision[] {
  const held = members.filter((name) => {
    const server = serverOf(seen, name);
    return server?.reserved && server.quarantine === null;
  });
  return held.map((name) =>
    escalate("needs-hands", `${id} needs ${name}, which a person cordoned, to start`, `kubectl uncordon ${name}`),
  );
}

/** A free server that is well, and for each of the others why not. */
export function spareFor({ servers }: Pick<Observed, "servers">): {
  chosen: ServerObserved | null;
  rejected: string[];
} {
  const free = servers.filter(({ group }) => group === null);
  const refusals = free.map((server) => ({ server, why: whyNot(server) }));
  return {
    chosen: refusals.find(({ why }) => why === null)?.server ?? null,
    rejected: refusals.flatMap(({ server, why }) => (why === null ? [] : [`${server.name} ${why}`])),
  };
}

function whyNot({ quarantine, reserved, verdict, fence }: ServerObserved): string | null {
  if (reserved) return "is cordoned by a person";
  if (quarantine !== null) return `is in quarantine (${quarantine.remedy})`;
  if (verdict.state !== "healthy") return `is ${verdict.state} (${verdict.reason})`;
  if (!fence.fenced) return `is not empty (${fence.reason})`;
  return null;
}
