import { type Blame, blame } from "./blame.ts";
import type { Finding } from "./finding.ts";
import type { Remedy } from "./remedy.ts";
import { DEFAULT_HEALTH_RULES, type HealthRules } from "./rules.ts";
import type { ServerEvidence } from "./server-evidence.ts";
import { type ServerVerdict, serverVerdict, strongestRemedy } from "./server-verdict.ts";
import { type GroupTraffic, type Listening, silentServers } from "./silence.ts";

/**
 * What the evidence says about one group. `suspect`: it does not serve or is about to stop. `starting`: its engine loads.
 * `blind`: a server of it is not heard, though tokens may flow.
 */
export interface GroupVerdict {
  group: string;
  state: "healthy" | "watch" | "suspect" | "blind" | "starting";
  sinceMs: number | null;
  reason: string;
  /** What the group needs before it serves again: of the blamed server, or `restart-group` where none is blamed. */
  remedy: Remedy | null;
  /** The server where the evidence starts; null where none points at a server. */
  blame: Blame | null;
  wantsSwitch: boolean;
  servers: readonly ServerVerdict[];
}

export interface GroupQuestion {
  group: string;
  /** Rank 0 first. */
  members: readonly ServerEvidence[];
  /** Every server that this observer listens to: without neighbours silence says nothing. */
  everyone: readonly ServerEvidence[];
  traffic: GroupTraffic;
  atMs: number;
  rules?: HealthRules;
  /** Since when this observer listens, and what others hear. */
  listening?: Listening | null;
  /** The verdict before this one; its first bad moment is kept. */
  previous?: Pick<GroupVerdict, "state" | "sinceMs"> | null;
}

/** The verdict on one group at one moment. */
export function groupVerdict(question: GroupQuestion): GroupVerdict {
  const { group, members, everyone, traffic, atMs, rules = DEFAULT_HEALTH_RULES, previous = null } = question;
  const { listening = null } = question;
  const servers = members.map((member) => serverVerdict(member, atMs, rules));
  const silent = silentServers(group, members, everyone, traffic, atMs, rules, listening);
  const disproved = members.filter((member) => isDisproved(member, traffic, rules));
  const isVoid = ({ server, code, group: of }: Finding) =>
    (of !== null || code === "ib-port-down") && disproved.some((member) => member.server === server);
  const own = servers
    .flatMap(({ findings }) => findings)
    .filter((finding) => (finding.group === null ? !isOutlived(finding, traffic, rules) : finding.group === group))
    .filter((finding) => !isVoid(finding));
  const findings = [...own, ...silent];
  const names = members.map(({ server }) => server);
  const wantsSwitch = findings.some(({ moves, confirmed }) => moves === "planned" && confirmed);
  const base = { group, servers, wantsSwitch };

  const fatal = findings.filter(({ moves, confirmed }) => moves === "now" && confirmed);
  if (fatal.length > 0) {
    const blamed = blame(findings, names, rules);
    const since = Math.min(...fatal.map(({ sinceMs }) => sinceMs));
    const before = previous?.state === "suspect" ? (previous.sinceMs ?? since) : since;
    return {
      ...base,
      wantsSwitch: false,
      state: "suspect",
      sinceMs: Math.min(since, before),
      reason: reasonOf(fatal, blamed),
      remedy:
        blamed === null
          ? "restart-group"
          : strongest(
              fatal.filter(({ server }) => server === blamed.server),
              blamed,
            ),
      blame: blamed,
    };
  }
  const rest = { remedy: null, blame: null };
  const blind = servers.find(({ state }) => state === "blind");
  const [unheard] = disproved;
  if (blind === undefined && unheard !== undefined) {
    const reason = `${unheard.server}: not heard, and tokens have come since`;
    return { ...base, ...rest, state: "blind", sinceMs: unheard.lastHeardMs, reason };
  }
  if (blind !== undefined) {
    return { ...base, ...rest, state: "blind", sinceMs: blind.sinceMs, reason: `${blind.server}: ${blind.reason}` };
  }
  if (members.some((member) => isStarting(member, group))) {
    return { ...base, ...rest, state: "starting", sinceMs: null, reason: "its engine loads" };
  }
  const [first] = findings;
  if (first === undefined) return { ...base, ...rest, state: "healthy", sinceMs: null, reason: "nothing is wrong" };
  return {
    ...base,
    ...rest,
    state: "watch",
    sinceMs: Math.min(...findings.map(({ sinceMs }) => sinceMs)),
    reason: `${first.server}, ${first.subject}: ${first.reason} [${first.code}]`,
  };
}

/** A hint (a hot GPU of a group that hangs) blames a server without giving it more to do than a restart. */
function strongest(fatal: readonly Finding[], { finding }: Blame): Remedy {
  if (finding.moves !== "now") return "restart-group";
  return strongestRemedy([...fatal, finding]) ?? finding.remedy;
}

function reasonOf(fatal: readonly Finding[], blamed: Blame | null): string {
  const told = blamed?.finding ?? fatal[0];
  if (told === undefined) return "";
  const what = `${told.server}, ${told.subject}: ${told.reason} [${told.code}]`;
  return blamed === null ? `${what}; no server is blamed` : `${what}; ${blamed.reason}`;
}

/**
 * Every token proves all ranks alive: one that came long after a server was last heard leaves nothing of what that server said
 * of its rank and its engine, nor of a port that was down, as none crosses such a port. Of its GPUs it proves nothing.
 */
function isDisproved({ lastHeardMs }: ServerEvidence, { lastTokenMs }: GroupTraffic, { blindAfterMs }: HealthRules) {
  return lastTokenMs !== null && lastHeardMs !== null && lastTokenMs - lastHeardMs > blindAfterMs;
}

/**
 * A token that came well after the line that tells of a process that ends: the process was another's, or has a successor, and the
 * GPU works. Its repetition asks for a reset all the same; but what serves is not ended for it, and the next crash brings it.
 */
function isOutlived({ endsProcessMs }: Finding, { lastTokenMs }: GroupTraffic, { outlivedAfterMs }: HealthRules) {
  return endsProcessMs !== undefined && lastTokenMs !== null && lastTokenMs - endsProcessMs > outlivedAfterMs;
}

function isStarting({ pieces }: ServerEvidence, group: string): boolean {
  return pieces.some(
    ({ evidence }) => evidence.kind === "engine" && evidence.group === group && evidence.state === "starting",
  );
}
