import { randomUUID } from "node:crypto";
import { TandemError } from "../../errors.ts";
import type { ModelService, ModelServiceRequest, ModelServiceStatus } from "../../manifests/model-service/resource.ts";
import { isOpen } from "../../report/decision.ts";
import type { ServiceAccess } from "./access.ts";
import { followService } from "./follow.ts";
import { changeService, whoAsks } from "./write.ts";

export interface Ask {
  kind: ModelServiceRequest["kind"];
  target: string;
  timeoutMs: number;
  /** Aborted by Ctrl-C: what was asked for goes on. */
  signal: AbortSignal;
  /** What the reconciler does now, each time it changes. */
  onProgress(text: string): void;
  /** Refuses what was read by throwing; asked again if somebody else writes in between. */
  check(service: ModelService): void;
}

/** Three outcomes, never two: what was not seen to end may still be under way. */
export interface Outcome {
  outcome: "done" | "refused" | "unknown";
  request: ModelServiceRequest;
  detail: string;
  seconds: number;
  status: ModelServiceStatus | null;
}

/**
 * Writes a request and waits for the reconciler's word on it. The same request that somebody has already made is not made
 * twice: it is waited for, so an interrupted command can be run again.
 */
export async function askFor(
  access: ServiceAccess,
  { kind, target, timeoutMs, signal, onProgress, check }: Ask,
): Promise<Outcome> {
  const began = performance.now();
  let request: ModelServiceRequest | undefined;
  await changeService(access, `ask for a ${kind} of`, (service) => {
    const open = service.spec.request;
    if (open !== undefined && isOpen(service)) {
      if (open.kind !== kind || open.target !== target) throw busy(access.stack, open);
      request = open;
      return null;
    }
    check(service);
    request = { id: randomUUID(), kind, target, by: whoAsks(), at: new Date().toISOString() };
    return { request };
  });
  const asked = request as unknown as ModelServiceRequest;
  const limit = AbortSignal.timeout(timeoutMs);
  let last: ModelServiceStatus | null = null;
  let told = "";
  const end = (outcome: Outcome["outcome"], detail: string): Outcome => ({
    outcome,
    request: asked,
    detail,
    seconds: Math.round((performance.now() - began) / 100) / 10,
    status: last,
  });
  for await (const service of followService(access, AbortSignal.any([signal, limit]))) {
    last = service.status ?? null;
    const handled = last?.handledRequest;
    if (handled?.id === asked.id) return end(handled.outcome, handled.detail);
    if (service.spec.request?.id !== asked.id) return end("refused", "somebody took the request back or replaced it");
    const text =
      last === null
        ? "no reconciler has reported yet"
        : `${last.decision.kind} ${last.decision.reason}: ${last.decision.detail}`;
    if (text !== told) onProgress(text);
    told = text;
  }
  const why = signal.aborted
    ? "this command was stopped"
    : `no word from the reconciler in ${Math.round(timeoutMs / 1000)} s`;
  return end("unknown", `${why}; ${told}`);
}

function busy(stack: string, { kind, target, by, at }: ModelServiceRequest): TandemError {
  return new TandemError({
    code: "E_REQUEST_OPEN",
    what: `stack ${stack} is busy with another request`,
    why: `${by} asked for ${kind} ${target} at ${at}, and it is not done`,
    fix: `see \`tandem explain decision --stack ${stack}\`; when it is done, run this command again`,
  });
}
