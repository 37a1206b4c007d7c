import type { Manifest } from "../../manifests/manifest.ts";
import type { ServingPlan } from "../../plan/serving-plan.ts";
import type { BmcCredentials } from "../stack/bmc-credentials.ts";
import type { Prepared } from "../stack/prepared.ts";
import type { StackSecrets } from "../stack/stack-secrets.ts";

/** Everything that the program declares a stack from. */
export interface StackInputs {
  plan: ServingPlan;
  /** Path of the spec: paths in it are relative to its folder. */
  file: string;
  /** Undefined in a preview before the first `tandem up`. */
  prepared: Prepared | undefined;
  /** Undefined in a preview before the first `tandem up`. */
  secrets: StackSecrets | undefined;
  /** User and password of the BMCs for which the spec names a file, by server. */
  bmcs: Readonly<Record<string, BmcCredentials>>;
  /** An earlier update has made its cluster. */
  isThere: boolean;
  /** Objects of parts that this folder does not know (device plugin of emulated GPUs, agent, gateway, …). */
  more: readonly Manifest[];
}
