/** A fault that somebody might put into the production code, as a change of its text. */
export interface Mutant {
  name: string;
  /** Below `src`. */
  file: string;
  find: string;
  put: string;
  /** A seed that catches it; the unit tests run this one alone. */
  seed: number;
}

const DECIDE = "failover/decide.ts";
const REBUILD = "failover/steps/rebuild.ts";
const REPAIR = "failover/steps/repair.ts";
const ADOPT = "failover/steps/adopt.ts";
const CHANGE = "failover/steps/change.ts";
const MEMBERS = "failover/steps/members.ts";
const CHOOSE = "failover/choose.ts";
const SUSPICION = "failover/choose/suspicion.ts";

export const MUTANTS: readonly Mutant[] = [
  {
    name: "starts without a fence",
    file: REBUILD,
    find: "filter(({ fence }) => !fence.fenced)",
    put: "filter(() => false)",
    seed: 1,
  },
  {
    name: "treats without a fence",
    file: REPAIR,
    find: "server.treated === null && !server.fence.fenced",
    put: "false",
    seed: 2,
  },
  {
    name: "no epoch check in the gateway",
    file: CHOOSE,
    find: "word === null || word.epoch <= adoptedEpoch",
    put: "word === null",
    seed: 1306,
  },
  {
    name: "no epoch check when adopting",
    file: ADOPT,
    find: "epoch === seen.epoch && groupOf",
    put: "epoch <= seen.epoch && groupOf",
    seed: 14,
  },
  {
    name: "an epoch is given out twice",
    file: ADOPT,
    find: "const epoch = seen.epoch + 1",
    put: "const epoch = seen.epoch",
    seed: 2,
  },
  {
    name: "acts on the silence of all",
    file: DECIDE,
    find: 'verdict.state === "blind")) {',
    put: 'verdict.state === "blind") && seen.paused) {',
    seed: 261,
  },
  {
    name: "the brake blocks recovery",
    file: REPAIR,
    find: "return seen.servers.flatMap((server) =>",
    put: "if (seen.failoversMs.length >= policy.maxPerHour) return [];\n  return seen.servers.flatMap((server) =>",
    seed: 7,
  },
  {
    name: "a stale read is acted on",
    file: DECIDE,
    find: "if (ageMs > staleAfterMs)",
    put: "if (ageMs > 1_000 * staleAfterMs)",
    seed: 32,
  },
  {
    name: "acts without the lease",
    file: DECIDE,
    find: "if (!seen.holdsLease)",
    put: "if (seen.holdsLease === undefined)",
    seed: 141,
  },
  {
    name: "acts while paused",
    file: DECIDE,
    find: "if (seen.paused !== null)",
    put: "if (seen.paused === undefined)",
    seed: 34,
  },
  {
    name: "the wrong rank is blamed",
    file: "health/blame.ts",
    find: "weightOf(b) - weightOf(a) ||",
    put: "weightOf(a) - weightOf(b) ||",
    seed: 2,
  },
  {
    name: "silence is blamed while tokens flow",
    file: "health/silence.ts",
    find: "const aliveMs = Math.max(lastHeardMs, traffic.lastTokenMs ?? Number.NEGATIVE_INFINITY)",
    put: "const aliveMs = lastHeardMs",
    seed: 80,
  },
  {
    name: "a cordoned server is a spare",
    file: MEMBERS,
    find: 'if (reserved) return "is cordoned by a person";',
    put: "",
    seed: 52,
  },
  {
    name: "the active group is changed first",
    file: CHANGE,
    find: "if (old !== undefined) return change(old, seen, policy);",
    put: "if (old !== undefined) return change(active, seen, policy);",
    seed: 4,
  },
  {
    name: "a group is started on a server that is gone",
    file: REBUILD,
    find: "if (unfit.length > 0) return unfit;",
    put: "",
    seed: 8,
  },
  {
    name: "a lost member is never given up",
    file: REBUILD,
    find: "if (lost !== undefined) return giveUp(group, lost, seen, policy);",
    put: "",
    seed: 387,
  },
  {
    name: "checks that fail are repeated",
    file: REPAIR,
    find: "if ((server.failedChecks ?? 0) > 0)",
    put: "if ((server.failedChecks ?? 0) > 1_000)",
    seed: 14,
  },
  {
    name: "a verdict needs no time",
    file: "failover/intact.ts",
    find: 'verdict.state === "suspect" && atMs >= verdict.sinceMs + policy.confirmAfterMs',
    put: 'verdict.state !== "healthy" && policy.confirmAfterMs <= atMs',
    seed: 4,
  },
  {
    name: "silence proves that a server is empty",
    file: "health/fenced.ts",
    find: "if (lastHeardMs === null || lastHeardMs < isolation.atMs) {",
    put: 'if (lastHeardMs === null || lastHeardMs < isolation.atMs - 8_000) {\n    return { fenced: true, by: "empty", reason: "it says nothing" };\n  }\n  if (lastHeardMs < isolation.atMs) {',
    seed: 227,
  },
  {
    name: "a timer starts anew with every reason",
    file: "health/group-verdict.ts",
    find: "sinceMs: Math.min(since, before),",
    put: 'sinceMs: Math.max(...fatal.map(({ sinceMs }) => sinceMs), previous?.state === "suspect" ? atMs - 2_000 : 0),',
    seed: 7,
  },
  {
    name: "a gateway takes a group that does not answer",
    file: CHOOSE,
    find: "against(group.id) === undefined && isProven(group, view, timing)",
    put: "against(group.id) === undefined",
    seed: 238,
  },
  {
    name: "a hang is never noticed",
    file: SUSPICION,
    find: "if (atMs - since < stallAfterMs) return null;",
    put: "if (atMs - since < 1_000 * stallAfterMs) return null;",
    seed: 36,
  },
  {
    name: "a pardon covers newer facts",
    file: CHOOSE,
    find: 'return newer.state === "suspect" && !pardoned(view, newer) ? newer : undefined;',
    put: "return newer.state === undefined ? newer : undefined;",
    seed: 802,
  },
];
