import type { ModelService } from "../../manifests/model-service/resource.ts";
import { orderPage } from "../../report/html/dashboard/order-page.ts";
import type { Visitor } from "../../report/html/dashboard/page.ts";
import { planSwitchover, switchoverText } from "../../report/switchover.ts";
import { SWITCHOVER_BUDGETS } from "../../report/switchover-record.ts";
import { NotAsked } from "./ask.ts";
import { blind, type OrderParts, type Sent, whyNot } from "./switchover.ts";

/**
 * The drill that hurts nobody: a planned move, timed and scored. Whatever breaks something needs hands at the servers, which the
 * reconciler has not got: those are run by `tandem drill run`.
 */
export function drillPage({ stack, service, drill }: OrderParts, visitor: Visitor, problem?: string): string {
  const known = service();
  if (known instanceof Error) return orderPage(blind(stack, "Drill", "drill", known), visitor);
  const plan = planSwitchover(known, undefined);
  const running = drill.running();
  return orderPage(
    {
      stack,
      verb: "Drill",
      action: "drill",
      plan: drillText(known),
      refused:
        plan.refused ??
        (running === null
          ? null
          : { why: `the drill ${running.scenario} of ${running.by} runs`, fix: "Wait until it has ended." }),
      fields: { to: plan.to ?? "", epoch: String(known.status?.epoch ?? 0) },
      question: `Drill a switchover of ${stack} from ${plan.from} to ${plan.to ?? "?"}?`,
      more: [
        `Faults are injected by the command on the computer that made the stack, which says what is at risk first: tandem drill list, tandem drill run server-power --stack ${stack} --destructive.`,
      ],
      ...(problem === undefined ? {} : { problem }),
    },
    visitor,
  );
}

function drillText(service: ModelService): string {
  const { decided, "redundant again": redundant } = SWITCHOVER_BUDGETS;
  return [
    "drill switchover: a planned move; nobody's answer is touched",
    "at risk: nobody's answer; the other group's prefix cache is cold",
    `passes if: all gateways use the other group within ${decided} s, and a failover would work again within ${redundant} s`,
    "afterwards traffic stays there; a record is left in the cluster (kubectl get drills)",
    "",
    switchoverText(planSwitchover(service, undefined)),
  ].join("\n");
}

export async function sendDrill(
  { drill }: OrderParts,
  by: string,
  form: Readonly<Record<string, string>>,
): Promise<Sent> {
  try {
    const running = drill.running();
    if (running !== null)
      throw new NotAsked(`the drill ${running.scenario} of ${running.by} runs`, "Wait until it has ended.");
    const name = await drill.begin({ target: form.to ?? "", epoch: Number(form.epoch), by });
    return { asked: true, detail: `the drill ${name} runs` };
  } catch (error) {
    return { asked: false, why: whyNot(error) };
  }
}
