import type { Finding } from "../../health/finding.ts";
import { findingsOf } from "../../health/findings.ts";
import { DEFAULT_HEALTH_RULES, type HealthRules } from "../../health/rules.ts";
import type { ServerEvidence } from "../../health/server-evidence.ts";
import { serverVerdict } from "../../health/server-verdict.ts";
import { bad, type GroupFacts, good, type Verdict, worst } from "./facts.ts";
import { latest, latestEach } from "./latest.ts";
import { DEFAULT_READINESS_RULES, type ReadinessRules } from "./rules.ts";

type Part = "server" | "gpus" | "links" | "ranks";

/** Which rung a finding belongs to. What is not listed is the server's own. */
function partOf({ code }: Finding): Part {
  if (code.startsWith("ib-port")) return "links";
  if (/^(rank|engine)-|^straggler$/.test(code)) return "ranks";
  if (
    /^(xid|sxid)-|^(driver-verdict|gpu-lost|ecc-|row-remap-|nvlink-|thermal-|power-|pcie-)|^driver-gone$|^fabric-manager-gone$/.test(
      code,
    )
  )
    return "gpus";
  return "server";
}

/**
 * A standby may have nothing against it, also what a serving group is forgiven until a quiet moment (a pending remap, heat).
 * Only facts that ask for no act at all, such as a contained memory error, are passed by.
 */
function counts({ code, remedy, moves }: Finding): boolean {
  return remedy !== "watch" || moves !== "never" || code === "monitor-hung" || code === "node-condition";
}

function findingsIn(group: GroupFacts, part: Part, atMs: number, rules: HealthRules): Verdict[] {
  return group.servers
    .flatMap(({ evidence }) => findingsOf(evidence, atMs, rules))
    .filter((finding) => counts(finding) && partOf(finding) === part)
    .map(({ server, subject, reason, code }) => bad(`${server}, ${subject}: ${reason} [${code}]`));
}

/** Every server of the group is heard, and nothing is against the server itself. */
export function serversRung(
  group: GroupFacts,
  atMs: number,
  rules: HealthRules = DEFAULT_HEALTH_RULES,
  { silentAfterMs }: ReadinessRules = DEFAULT_READINESS_RULES,
): Verdict {
  if (group.servers.length === 0) return bad(`group ${group.id} has no server`);
  const heard = group.servers.map(({ evidence }) => {
    const { server, connection, lastHeardMs } = evidence;
    if (lastHeardMs === null) return bad(`${server} was never heard${why(connection?.reason)}`);
    const verdict = serverVerdict(evidence, atMs, rules);
    return verdict.heard || atMs - lastHeardMs <= silentAfterMs
      ? good(`${server} is heard`)
      : bad(`${server}: ${verdict.reason}`);
  });
  const all = worst([...heard, ...findingsIn(group, "server", atMs, rules)]);
  return all.ok ? good(`${group.servers.length} servers are heard`) : all;
}

const why = (reason: string | undefined) => (reason === undefined || reason === "" ? "" : ` (${reason})`);

/** All GPUs are there, and none of them needs a reset, a repair or cooling. */
export function gpusRung(group: GroupFacts, atMs: number, rules: HealthRules = DEFAULT_HEALTH_RULES): Verdict {
  const counted = group.servers.map(({ evidence }) => {
    const gpus = latest(evidence, "gpus");
    if (gpus === null) return bad(`${evidence.server} has not told of its GPUs yet`);
    return good(`${gpus.found} GPUs`);
  });
  const all = worst([...findingsIn(group, "gpus", atMs, rules), ...counted]);
  return all.ok
    ? good(`${group.servers.map(({ evidence }) => latest(evidence, "gpus")?.found ?? 0).join(" + ")} GPUs`)
    : all;
}

/** Every port is up, and a server has as many as those of the active group. */
export function linksRung(
  group: GroupFacts,
  active: GroupFacts,
  atMs: number,
  rules: HealthRules = DEFAULT_HEALTH_RULES,
): Verdict {
  const ports = (facts: GroupFacts) => facts.servers.map(({ evidence }) => linksUp(evidence));
  const most = Math.max(0, ...ports(active));
  const up = ports(group);
  const fewer = group.servers.flatMap(({ evidence }, at) => {
    const down = downPort(evidence);
    if (down !== null) return [bad(`${evidence.server}, port ${down}: the port is down`)];
    return (up[at] ?? 0) < most
      ? [bad(`${evidence.server} has ${up[at]} ports up, the active group's servers ${most}`)]
      : [];
  });
  const all = worst([...fewer, ...findingsIn(group, "links", atMs, rules)]);
  if (!all.ok) return all;
  return good(up.every((count) => count === 0) ? "no InfiniBand or RoCE ports" : `${up.join(" + ")} ports are up`);
}

const portsOf = (evidence: ServerEvidence) =>
  [...latestEach(evidence, "link", ({ device, port }) => `${device}/${port}`)].map(([name, { state }]) => ({
    name,
    state,
  }));

const linksUp = (evidence: ServerEvidence) => portsOf(evidence).filter(({ state }) => state === "up").length;

/** At once: a port that a failover would need in the next second has no time to come back. */
const downPort = (evidence: ServerEvidence) => portsOf(evidence).find(({ state }) => state === "down")?.name ?? null;

/** The processes of the group run. */
export function ranksRung(group: GroupFacts, atMs: number, rules: HealthRules = DEFAULT_HEALTH_RULES): Verdict {
  const told = worst(findingsIn(group, "ranks", atMs, rules));
  if (!told.ok) return told;
  const stopped = group.servers.flatMap(({ evidence }) =>
    [...latestEach(evidence, "rank", (piece) => `${piece.group}/${piece.rank}`)]
      .filter(([, piece]) => piece.group === group.id && piece.state === "stopped")
      .map(([, { rank }]) => bad(`${evidence.server}, rank ${rank}: its process is stopped`)),
  );
  return worst([...stopped, good("every rank runs")]);
}

/** Wall clocks agree: certificates, tokens and records are dated by them. */
export function clocksRung(group: GroupFacts, { clockMs }: ReadinessRules): Verdict {
  const far = group.servers.flatMap(({ evidence, clockAheadMs }) => {
    if (clockAheadMs === null || Math.abs(clockAheadMs) <= clockMs) return [];
    const seconds = (Math.abs(clockAheadMs) / 1000).toFixed(1);
    return [bad(`the clock of ${evidence.server} is ${seconds} s ${clockAheadMs > 0 ? "ahead" : "behind"}`)];
  });
  const most = Math.max(0, ...group.servers.map(({ clockAheadMs }) => Math.abs(clockAheadMs ?? 0)));
  return worst([...far, good(`clocks within ${(most / 1000).toFixed(1)} s`)]);
}
