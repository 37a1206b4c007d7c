import type { Dashboard } from "../../dashboard/dashboard.ts";
import { paragraphs, tableOf } from "../markup.ts";

/** Each replica of the gateway, and where it sends requests. */
export function gatewaysPart({ gateways, answered, request }: Dashboard): string {
  const rows = gateways.map(({ name, answers, uses, requests }) => [
    name,
    answers ? "answers" : "does not answer",
    uses === null ? (answers ? "nobody: it holds them" : "unknown") : `group ${uses}`,
    String(requests),
  ]);
  const last =
    request !== null || answered === null
      ? []
      : [
          `The last order was ${answered.outcome}: ${answered.detail} (${answered.at.slice(0, 19).replace("T", " ")} UTC).`,
        ];
  return [
    rows.length === 0
      ? paragraphs("There is no gateway.")
      : tableOf("Replicas of the gateway", ["On", "State", "Sends requests to", "Requests"], rows),
    paragraphs(...last),
  ].join("");
}
