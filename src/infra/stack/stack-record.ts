import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { stackDir } from "../../machines/home.ts";
import { replaceFile } from "../../machines/replace-file.ts";
import type { ServingPlan } from "../../plan/serving-plan.ts";

/** What other commands want to know of a stack without its spec at hand. */
export interface StackRecord {
  /** Absolute path of the spec that the last `tandem up` read. */
  spec: string;
  local: boolean;
  namespace: string;
  /** Where an OpenAI client of this stack goes. */
  baseUrl: string;
  model: string;
}

const fileOf = (stack: string) => join(stackDir(stack), "stack.json");

export async function writeRecord(plan: ServingPlan, spec: string): Promise<void> {
  const record: StackRecord = {
    spec,
    local: plan.spec.provision.kind === "local",
    namespace: plan.namespace,
    baseUrl: baseUrlOf(plan),
    model: plan.model.servedName,
  };
  await replaceFile(fileOf(plan.name), `${JSON.stringify(record, null, 2)}\n`);
}

/** Undefined for a stack that `tandem up` never made here. */
export async function readRecord(stack: string): Promise<StackRecord | undefined> {
  const text = await readFile(fileOf(stack), "utf8").catch(() => undefined);
  return text === undefined ? undefined : (JSON.parse(text) as StackRecord);
}

/**
 * The gateway's address, which is where it serves whatever server dies. A stack without a gateway has one group, and its
 * first server is where LeaderWorkerSet most likely puts the leader: good for a try, not for clients.
 */
export function baseUrlOf({ spec, ports, groups }: ServingPlan): string {
  if (spec.gateway !== undefined) {
    const { address, port, tls } = spec.gateway;
    return `${tls === undefined ? "http" : "https"}://${address}:${port}/v1`;
  }
  const active = Object.values(groups).find(({ role }) => role === "active");
  const first = active?.servers[0] ?? Object.keys(spec.servers)[0] ?? "";
  return `http://${spec.servers[first]?.address ?? ""}:${ports.http}/v1`;
}
