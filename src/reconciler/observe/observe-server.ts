import type { ServerObserved } from "../../failover/observed.ts";
import { fenceOf } from "../../health/fenced.ts";
import { compareRemedies } from "../../health/remedy.ts";
import type { HealthRules } from "../../health/rules.ts";
import { hasTold, type ServerEvidence } from "../../health/server-evidence.ts";
import { isResetDue, type ServerVerdict, serverVerdict } from "../../health/server-verdict.ts";
import type { LiveObject } from "../../kube/objects.ts";
import type { QuarantineRecord } from "../../manifests/model-service/resource.ts";
import { GROUP_LABEL } from "../../manifests/names.ts";
import { type Moment, monotonicOf } from "./clock.ts";
import type { Seen } from "./first-seen.ts";
import type { Knowledge } from "./knowledge.ts";
import { quarantineOf } from "./records.ts";
import { isReady } from "./workload.ts";

/** Kubernetes' own taint for a machine that is off: its pods are taken for ended and its volumes for free. */
export const OUT_OF_SERVICE = "node.kubernetes.io/out-of-service";

/** One server: its node, what its agent says of the hardware, and what was done about it so far. */
export function observeServer(
  name: string,
  knowledge: Knowledge,
  evidence: ServerEvidence,
  run: Seen | undefined,
  rules: HealthRules,
): { server: ServerObserved; verdict: ServerVerdict } {
  const { moment, cluster } = knowledge;
  const node = cluster.nodes.get(name);
  const record = node === undefined ? null : quarantineOf(node);
  const group = node?.metadata.labels?.[GROUP_LABEL] ?? null;
  const found = serverVerdict(hardwareOnly(evidence), moment.monoMs, rules, knowledge.previous.servers.get(name));
  const treated = record === null ? null : treatedOf(record, evidence, knowledge.treatments.get(name), moment);
  const verdict = adjust(found, evidence, node, group, treated?.atMs ?? null, moment);
  const power = knowledge.power.get(name)?.power ?? "unknown";
  const isolation = knowledge.isolations.get(name) ?? { atMs: moment.monoMs, seenMs: moment.monoMs };
  return {
    verdict,
    server: {
      name,
      group,
      verdict: {
        state: verdict.state === "watch" ? "healthy" : verdict.state,
        heard: verdict.heard,
        sinceMs: verdict.sinceMs ?? (verdict.heard ? moment.monoMs : knowledge.listeningSinceMs),
        remedy: verdict.state === "suspect" ? verdict.remedy : null,
        reason: verdict.reason,
      },
      told: hasTold(evidence),
      nodeReady: node !== undefined && isReady(node),
      quarantine: record === null ? null : { sinceMs: isolation.atMs, remedy: record.remedy },
      fence: fence(name, knowledge, evidence, record, isolation, run, verdict),
      outOfService: taintsOf(node).some(({ key }) => key === OUT_OF_SERVICE),
      bmc: cluster.service.spec.servers[name]?.bmc !== undefined && !knowledge.bmcAway.has(name),
      power,
      powerOffAskedMs:
        record?.powerOffAskedAt === undefined
          ? null
          : (knowledge.powerOffs.get(name)?.atMs ?? monotonicOf(moment, record.powerOffAskedAt)),
      treated,
      validated: isValidated(name, record, treated, knowledge),
      failedChecks: record?.failedChecks?.count ?? 0,
      reserved: (node?.spec as { unschedulable?: boolean } | undefined)?.unschedulable === true,
      ...(isResetDue(verdict) ? { resetDue: true } : {}),
    },
  };
}

export interface Taint {
  key: string;
  value?: string;
  effect: string;
}

export function taintsOf(node: LiveObject | undefined): Taint[] {
  return (node?.spec as { taints?: Taint[] } | undefined)?.taints ?? [];
}

/** Ranks and engines come and go with their group; what is left speaks of the machine. */
function hardwareOnly(known: ServerEvidence): ServerEvidence {
  const isGroups = ({ kind }: { kind: string }) => kind === "rank" || kind === "engine" || kind === "engine-process";
  return { ...known, pieces: known.pieces.filter(({ evidence }) => !isGroups(evidence)) };
}

function adjust(
  found: ServerVerdict,
  { lastHeardMs }: ServerEvidence,
  node: LiveObject | undefined,
  group: string | null,
  treatedMs: number | null,
  { monoMs }: Moment,
): ServerVerdict {
  const blind = (reason: string, sinceMs: number | null): ServerVerdict => ({
    ...found,
    state: "blind",
    remedy: null,
    wantsSwitch: false,
    heard: false,
    sinceMs,
    reason,
  });
  if (node === undefined) return blind("it has not joined the cluster", null);
  // What it said before says nothing about what the treatment has done.
  if (treatedMs !== null && !found.heard && (lastHeardMs ?? 0) < treatedMs)
    return blind("not heard since it was treated", treatedMs);
  if (group === null && found.state !== "suspect" && !isReady(node)) return blind("its kubelet is not ready", monoMs);
  return found;
}

/** The strongest of what was done by us and what was done by hand: another boot id is a reboot, whoever caused it. */
function treatedOf(
  { treated, bootId }: QuarantineRecord,
  { bootId: heard, greeting }: ServerEvidence,
  seen: Seen | undefined,
  moment: Moment,
): NonNullable<ServerObserved["treated"]> | null {
  const ours =
    treated === undefined
      ? null
      : {
          remedy: treated.remedy,
          atMs: seen?.atMs ?? monotonicOf(moment, treated.at),
          done: true,
          tries: treated.tries ?? 1,
        };
  // Until another boot id is heard, a server that is told to boot answers as if nothing had been asked of it.
  if (ours !== null && treated?.bootId !== undefined) ours.done = heard !== treated.bootId;
  const booted = bootId !== null && heard !== null && heard !== bootId && greeting !== null;
  if (!booted || (ours !== null && compareRemedies(ours.remedy, "failover-reboot") >= 0)) return ours;
  // What its kernel has told since is of after the boot.
  return { remedy: "failover-reboot", atMs: greeting.atMs - greeting.monoMs, done: true };
}

/** What we do to a server takes its validation off the record; a boot by hand does not, and only its time tells. */
function isValidated(
  name: string,
  record: QuarantineRecord | null,
  treated: ServerObserved["treated"],
  { moment, validations }: Knowledge,
): boolean {
  if (record?.validatedAt === undefined) return false;
  if (treated === null || treated.remedy === record.treated?.remedy) return true;
  return (validations.get(name)?.atMs ?? monotonicOf(moment, record.validatedAt)) >= treated.atMs;
}

function fence(
  name: string,
  { power }: Knowledge,
  evidence: ServerEvidence,
  record: QuarantineRecord | null,
  { seenMs: atMs }: Seen,
  run: Seen | undefined,
  verdict: ServerVerdict,
): { fenced: boolean; reason: string } {
  if (record === null) {
    if (!verdict.heard) return { fenced: false, reason: `${verdict.reason}, so nobody knows what runs on it` };
    return fenceOf(evidence, { atMs: run?.atMs ?? Number.NEGATIVE_INFINITY, bootId: null }, null);
  }
  const seen = power.get(name);
  const isOff = record.powerOffAskedAt !== undefined && seen?.power === "off" && seen.atMs >= atMs;
  const proven = isOff || record.poweredOffAt !== undefined;
  return fenceOf(evidence, { atMs, bootId: record.bootId }, proven ? atMs : null);
}
