import type { KubeClient } from "../../kube/client.ts";
import type { ModelService } from "../../manifests/model-service/resource.ts";
import { type Order, orderPage } from "../../report/html/dashboard/order-page.ts";
import type { Visitor } from "../../report/html/dashboard/page.ts";
import { planSwitchover, switchoverText } from "../../report/switchover.ts";
import { askSwitchover, NotAsked } from "./ask.ts";
import type { DrillRunner } from "./drill-runner.ts";

export interface OrderParts {
  stack: string;
  client: KubeClient;
  /** Of the ModelService. */
  path: string;
  service(): ModelService | Error;
  drill: DrillRunner;
}

/** What came of a form: asked for, or not, and why. */
export type Sent = { asked: true; detail: string } | { asked: false; why: string };

/** The page that shows what `tandem switchover --dry-run` prints, and asks. */
export function switchoverPage({ stack, service }: OrderParts, visitor: Visitor, problem?: string): string {
  const known = service();
  if (known instanceof Error) return orderPage(blind(stack, "Switch over", "switchover", known), visitor);
  const plan = planSwitchover(known, undefined);
  return orderPage(
    {
      stack,
      verb: "Switch over",
      action: "switchover",
      plan: switchoverText(plan),
      refused: plan.refused,
      fields: { to: plan.to ?? "", epoch: String(known.status?.epoch ?? 0) },
      question: `Move traffic of ${stack} from ${plan.from} to ${plan.to ?? "?"}?`,
      more: [
        "Answers that were begun are finished where they are. For a group that does not answer any more there is tandem failover.",
      ],
      ...(problem === undefined ? {} : { problem }),
    },
    visitor,
  );
}

export async function sendSwitchover(
  { client, path }: OrderParts,
  by: string,
  form: Readonly<Record<string, string>>,
): Promise<Sent> {
  try {
    const request = await askSwitchover(client, path, { target: form.to ?? "", epoch: Number(form.epoch), by });
    return { asked: true, detail: `switchover ${request.target} is asked for` };
  } catch (error) {
    return { asked: false, why: whyNot(error) };
  }
}

/** What stood in the way, in words for a person. */
export function whyNot(error: unknown): string {
  if (error instanceof NotAsked) return `Nothing was asked for: ${error.message}. ${error.fix}`;
  return `It is not known whether it was asked for: ${(error as Error).message}. Look at the state.`;
}

/** An order about a stack of which nothing is known. */
export function blind(stack: string, verb: string, action: string, why: Error): Order {
  const refused = { why: why.message, fix: "Traffic does not need it: look again when it is back." };
  return { stack, verb, action, plan: "nothing is known of the groups", refused, fields: {}, question: "", more: [] };
}
