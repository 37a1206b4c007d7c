import type { Draft } from "../draft.ts";
import type { Problem } from "../problem.ts";
import { addressRules } from "./addresses.ts";
import { extraArgsRules } from "./extra-args.ts";
import { failureDomainRules } from "./failure-domains.ts";
import { gatewayRules } from "./gateway.ts";
import { groupRules } from "./groups.ts";
import { imageRules } from "./image.ts";
import { nameRules } from "./names.ts";
import { portRules } from "./ports.ts";
import { rdmaRules } from "./rdma.ts";
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
  extraArgsRules,
  rdmaRules,
  portRules,
  gatewayRules,
];

/** Every relation between fields, in no special order. Works on what could be understood of a spec. */
export function checkRelations(spec: Draft, options: CheckOptions = {}): Problem[] {
  return RULES.flatMap((rule) => rule(spec, options));
}
