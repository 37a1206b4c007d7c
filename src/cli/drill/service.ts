import { gatewayStatus } from "../../drill/cluster/gateway-status.ts";
import { readinessOf } from "../../drill/scenarios/readiness.ts";
import { TandemError } from "../../errors.ts";
import type { ModelService } from "../../manifests/model-service/resource.ts";
import { serviceAccess, withService } from "../service/access.ts";
import { askFor } from "../service/ask.ts";
import { followService, readService } from "../service/follow.ts";
import { stackAccess } from "../stack-access.ts";

/** A request that the reconciler has not carried out by then has failed as a drill. */
const ORDER_MS = 60_000;

/** The ModelService of a stack now, and whenever it changes, until `signal` is aborted. */
export async function* followStack(stack: string, signal: AbortSignal): AsyncGenerator<ModelService> {
  const access = await serviceAccess({ stack });
  try {
    yield* followService(access, signal);
  } finally {
    await access.client.close();
  }
}

/** What the replicas of the gateway hold against a drill: one that does not answer, a group that could not take over. */
export async function gatewayAgainst(stack: string): Promise<string[]> {
  const { admin, adminToken } = await stackAccess(stack);
  const asked = await Promise.all(
    Object.entries({ "its address": admin.holder, ...admin.replicas }).map(([name, url]) =>
      gatewayStatus({ url, token: adminToken }).catch(() => `the gateway on ${name} does not answer`),
    ),
  );
  const answers = asked.filter((one) => typeof one !== "string");
  return [...asked.filter((one) => typeof one === "string"), ...readinessOf(answers).against];
}

/** What the reconciler holds against a drill: a pause, an order that is open, no proven standby. */
export async function whatSpeaksAgainst(stack: string): Promise<string[]> {
  try {
    return reasonsAgainst(await withService({ stack }, (access) => readService(access)));
  } catch (error) {
    // A cluster without a reconciler fails over all the same; its gateways have been asked already.
    if (error instanceof TandemError && error.code === "E_NO_MODEL_SERVICE") return [];
    if (error instanceof TandemError) return [`${error.what}: ${error.why}`];
    throw error;
  }
}

/** The same from what was read. Pure. */
export function reasonsAgainst({ spec, status }: ModelService): string[] {
  const reasons: string[] = [];
  if (spec.pause !== undefined) reasons.push(`the automation is paused by ${spec.pause.by}: ${spec.pause.reason}`);
  const { request } = spec;
  if (request !== undefined && request.id !== status?.handledRequest?.id)
    reasons.push(`a ${request.kind} of ${request.target} is under way`);
  if (status === undefined) return [...reasons, "the reconciler has not looked at the cluster yet"];
  if (!status.takeover.ready) reasons.push(...status.takeover.reasons);
  return reasons;
}

/** Asks for it as `tandem switchover` and `tandem server return` do, and waits for the reconciler's word. */
export async function orderByRequest(
  stack: string,
  kind: "switchover" | "return",
  target: string,
  signal: AbortSignal,
): Promise<void> {
  const ask = {
    kind,
    target,
    timeoutMs: ORDER_MS,
    signal,
    onProgress: () => {},
    check: () => {},
  };
  const { outcome, detail } = await withService({ stack }, (access) => askFor(access, ask));
  if (outcome !== "done") throw new Error(`the ${kind} of ${target} was ${outcome}: ${detail}`);
}
