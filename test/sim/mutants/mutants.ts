/** A fault that somebody might put into the production code, as a change of its text. */
export type Mutant = {
  name: string;
  /** Below `src`. */
  file: string;
  find: string;
  put: string;
  /** What catches it: a seed, or a scenario where chance comes there too rarely. The unit tests run this alone. */
} & ({ seed: number } | { scenario: string });

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
    seed: 2,
  },
  {
    name: "treats without a fence",
    file: REPAIR,
    find: "server.treated === null && !server.fence.fenced",
    put: "false",
    seed: 3,
  },
  {
    name: "no epoch check in the gateway",
    file: CHOOSE,
    find: "word === null || word.epoch <= adoptedEpoch",
    put: "word === null",
    seed: 460,
  },
  {
    name: "no epoch check when adopting",
    file: ADOPT,
    find: "epoch === seen.epoch && groupOf",
    put: "epoch <= seen.epoch && groupOf",
    seed: 7,
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
    seed: 79,
  },
  {
    name: "the brake blocks recovery",
    file: REPAIR,
    find: "return seen.servers.flatMap((server) =>",
    put: "if (seen.failoversMs.length >= policy.maxPerHour) return [];\n  return seen.servers.flatMap((server) =>",
    seed: 2,
  },
  {
    name: "a stale read is acted on",
    file: DECIDE,
    find: "if (ageMs > staleAfterMs)",
    put: "if (ageMs > 1_000 * staleAfterMs)",
    seed: 22,
  },
  {
    name: "acts without the lease",
    file: DECIDE,
    find: "if (!seen.holdsLease)",
    put: "if (seen.holdsLease === undefined)",
    seed: 294,
  },
  {
    name: "acts while paused",
    file: DECIDE,
    find: "if (seen.paused !== null)",
    put: "if (seen.paused === undefined)",
    seed: 61,
  },
  {
    name: "the wrong rank is blamed",
    file: "health/blame.ts",
    find: "weightOf(b) - weightOf(a) ||",
    put: "weightOf(a) - weightOf(b) ||",
    seed: 47,
  },
  {
    name: "a cordoned server is a spare",
    file: MEMBERS,
    find: 'if (reserved) return "is cordoned by a person";',
    put: "",
    seed: 41,
  },
  {
    name: "the active group is changed first",
    file: CHANGE,
    find: "if (old !== undefined) return change(old, seen, policy);",
    put: "if (old !== undefined) return change(active, seen, policy);",
    seed: 7,
  },
  {
    name: "a group is started on a server that is gone",
    file: REBUILD,
    find: "if (unfit.length > 0) return unfit;",
    put: "",
    seed: 2,
  },
  {
    name: "a lost member is never given up",
    file: REBUILD,
    find: "if (lost !== undefined) return giveUp(group, lost, seen, policy);",
    put: "",
    seed: 441,
  },
  {
    name: "checks that fail are repeated",
    file: REPAIR,
    find: "if ((server.failedChecks ?? 0) > 0)",
    put: "if ((server.failedChecks ?? 0) > 1_000)",
    seed: 4,
  },
  {
    name: "a verdict needs no time",
    file: "failover/intact.ts",
    find: 'verdict.state === "suspect" && atMs >= verdict.sinceMs + policy.confirmAfterMs',
    put: 'verdict.state !== "healthy" && policy.confirmAfterMs <= atMs',
    seed: 1,
  },
  {
    name: "silence proves that a server is empty",
    file: "health/fenced.ts",
    find: "if (lastHeardMs === null || lastHeardMs < isolation.atMs) {",
    put: 'if (lastHeardMs === null || lastHeardMs < isolation.atMs - 8_000) {\n    return { fenced: true, by: "empty", reason: "it says nothing" };\n  }\n  if (lastHeardMs < isolation.atMs) {',
    seed: 72,
  },
  {
    name: "a timer starts anew with every reason",
    file: "health/group-verdict.ts",
    find: "sinceMs: Math.min(since, before),",
    put: 'sinceMs: Math.max(...fatal.map(({ sinceMs }) => sinceMs), previous?.state === "suspect" ? atMs - 2_000 : 0),',
    seed: 2,
  },
  {
    name: "a gateway takes a group that does not answer",
    file: CHOOSE,
    find: "against(group.id) === undefined && isProven(group, view, timing)",
    put: "true",
    seed: 1,
  },
  {
    name: "a hang is never noticed",
    file: SUSPICION,
    find: "atMs - since < stallAfterMs) return null;",
    put: "atMs - since < 1_000 * stallAfterMs) return null;",
    seed: 130,
  },
  {
    name: "a pardon covers newer facts",
    file: CHOOSE,
    find: 'return newer.state === "suspect" && !pardoned(view, newer) ? newer : undefined;',
    put: "return newer.state === undefined ? newer : undefined;",
    seed: 1676,
  },
  {
    name: "a brake keeps a group down that only crashed",
    file: REBUILD,
    find: "if (isCrash) return group.isRevisionToBlame ? null : restartPause(group, seen, policy);",
    put: "",
    scenario: "hang-after-four-moves.json",
  },
  {
    name: "starts that did not help are never tried again",
    file: "failover/steps/restarts.ts",
    find: "if (leftMs <= 0) return null;",
    put: "if (leftMs <= 0 && restarts.length < policy.maxRestarts) return null;",
    scenario: "six-rank-hangs.json",
  },
  {
    name: "half of the evidence is judged",
    file: REBUILD,
    find: "if (untold !== null) return [untold];",
    put: "",
    seed: 2775,
  },
  {
    name: "a broken link is taken for a broken server",
    file: "health/silence.ts",
    find: "const witness = listening?.witnesses.get(server);",
    put: "const witness = { heardMs: lastHeardMs ?? listening?.sinceMs ?? 0 } as Witness;",
    scenario: "wrong-blame-1675.json",
  },
  {
    name: "one alone finds a server silent",
    file: "health/silence.ts",
    find: "if (listening !== null && !isSecond) return [];",
    put: "",
    scenario: "its-agent-away-behind-a-bad-link.json",
  },
  {
    name: "a port that was down outlives tokens",
    file: "health/group-verdict.ts",
    find: '(of !== null || code === "ib-port-down") &&',
    put: "of !== null &&",
    scenario: "served-since-its-port-was-down.json",
  },
  {
    name: "an age is taken off a clock that stood still",
    file: "gateway/groups/evidence-intake.ts",
    find: "toldMs === undefined ? fault.atMs <= startedMs : toldMs <= ownMs",
    put: "toldMs === null || fault.atMs <= this.#clock.now() - ageMs",
    scenario: "restarted-while-a-gateway-stood-still.json",
  },
  {
    name: "tokens of a time that nobody heard prove a group",
    file: "gateway/groups/evidence-intake.ts",
    find: "const isNews = this.#knowsEngine && ageMs < NEWS_MS;",
    put: "const isNews = true;",
    scenario: "tokens-of-a-time-that-nobody-heard.json",
  },
];
