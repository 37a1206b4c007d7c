import type { Draft } from "../draft.ts";
import type { Problem } from "../problem.ts";
import { addressRules } from "./addresses.ts";
import { failureDomainRules } from "./failure-domains.ts";
import { gatewayRules } from "./gateway.ts";
import { groupRules } from "./groups.ts";
import { imageRules } from "./image.ts";
import { localBmcRules } from "./local-bmc.ts";
import { nameRules } from "./names.ts";
import { gatewayPortRules } from "./ports.ts";
import { rdmaRules } from "./rdma.ts";
import { resourceRules } from "./resources.ts";
import { standbyRules } from "./standby.ts";
import { weightsRules } from "./weights.ts";

export interface CheckOptions {
  /** Plan and render may show a stack whose image digest is a marked placeholder; validate and up refuse it. */
  allowPlaceholder?: boolean;
}

const RULES: readonly ((spec: Draft, options: CheckOptions) => Problem[])[] = [
  nameRules,
  addressRules,
  groupRules,
  standbyRules,
  failureDomainRules,
  weightsRules,
  imageRules,
  rdmaRules,
  resourceRules,
  gatewayPortRules,
  gatewayRules,
  localBmcRules,
];

/**
 * Every relation between fields, in no special order. What depends on the engine (its ports and flags, unlike servers in a
 * group, memory) is the plan's to refuse.
 * Works on what could be understood of a spec.
 */
export function checkRelations(spec: Draft, options: CheckOptions = {}): Problem[] {
  return RULES.flatMap((rule) => rule(spec, options));
}
