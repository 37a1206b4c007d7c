import type { Evidence } from "../evidence.ts";
import type { Mark, Moves } from "../finding.ts";
import type { Remedy } from "../remedy.ts";
import type { HealthRules } from "../rules.ts";

type Condition = Extract<Evidence, { kind: "condition" }>;

interface ConditionRule {
  /** The type, or how it begins. */
  type: RegExp;
  bad: "True" | "False";
  remedy: Remedy;
  moves: Moves;
  /** Who writes it. */
  by: string;
}

/**
 * The words of others. None of them moves traffic at once: they come seconds to minutes late (facts: 15 s of polling), and what
 * they know the agent has mostly seen itself. `Ready` is the kubelet's and says nothing about the ranks.
 */
export const CONDITION_RULES: readonly ConditionRule[] = [
  {
    type: /^AcceleratedHardwareReady$/,
    bad: "False",
    remedy: "failover-reboot",
    moves: "planned",
    by: "EKS node monitoring agent",
  },
  { type: /^XidCriticalError$/, bad: "True", remedy: "failover-reset", moves: "planned", by: "GKE device plugin" },
  { type: /^SysLogs(XID|SXID)Error$/, bad: "True", remedy: "failover-reset", moves: "planned", by: "NVSentinel" },
  { type: /^SysLogsGPUFallenOff$/, bad: "True", remedy: "failover-reboot", moves: "planned", by: "NVSentinel" },
  { type: /^GpuDcgmConnectivityFailure$/, bad: "True", remedy: "watch", moves: "never", by: "NVSentinel" },
  { type: /^Gpu[A-Z]\w*Watch$/, bad: "True", remedy: "failover-reset", moves: "planned", by: "NVSentinel" },
  {
    type: /^(KernelDeadlock|ReadonlyFilesystem)$/,
    bad: "True",
    remedy: "failover-reboot",
    moves: "planned",
    by: "node-problem-detector",
  },
  { type: /^Frequent\w+Restart$/, bad: "True", remedy: "watch", moves: "never", by: "node-problem-detector" },
  { type: /^(Memory|Disk|PID)Pressure$/, bad: "True", remedy: "watch", moves: "never", by: "kubelet" },
  { type: /^NetworkUnavailable$/, bad: "True", remedy: "watch", moves: "never", by: "network plugin" },
  { type: /^Ready$/, bad: "False", remedy: "watch", moves: "never", by: "kubelet" },
];

/** `Unknown` is absence of information (the API server heard nothing), which is no fault. */
export function conditionMarks({ type, status, reason }: Condition, { conditionAfterMs }: HealthRules): Mark[] {
  const rule = CONDITION_RULES.find((candidate) => candidate.type.test(type));
  if (rule === undefined || status !== rule.bad) return [];
  return [
    {
      code: "node-condition",
      subject: `condition ${type}`,
      remedy: rule.remedy,
      moves: rule.moves,
      confirmAfterMs: conditionAfterMs,
      reason: `${rule.by} says ${type}=${status}${reason === "" ? "" : ` (${reason})`}`,
    },
  ];
}
