import type { Dashboard } from "../../dashboard/dashboard.ts";
import { asText } from "../markup.ts";
import { fixedTime } from "./times.ts";

const MARK = { bad: "✖", warn: "▲", note: "●" } as const;
const WORD = { bad: "trouble", warn: "look", note: "note" } as const;

/** What is wrong, stopped or pending, and what is decided: read aloud when it changes, so no figure in it ticks. */
export function nowPart({ alarms, decision, at }: Dashboard): string {
  const items = alarms.map(({ tone, title, since, detail }) => {
    const when = since === null ? "" : `, since ${fixedTime(since, at)}`;
    const more = detail === "" ? "" : `<p>${asText(detail)}</p>`;
    return `<li class="${tone}"><strong><span aria-hidden="true">${MARK[tone]} </span><span class="hidden">${WORD[tone]}: </span>${asText(title)}</strong>${when}${more}</li>`;
  });
  return [
    items.length === 0 ? "" : `<ul class="alarms">${items.join("")}</ul>`,
    decision === null
      ? '<p class="decision wait">no reconciler has decided anything yet</p>'
      : decisionLine(decision, at),
  ].join("");
}

function decisionLine(decision: NonNullable<Dashboard["decision"]>, at: string): string {
  const { kind, reason, detail, since, until, fix } = decision;
  const times = `since ${fixedTime(since, at)}${until === undefined ? "" : `, until ${fixedTime(until, at)}`}`;
  const todo = fix === undefined ? "" : `<small>To do: ${asText(fix)}</small>`;
  return `<p class="decision ${kind}"><strong>${kind}: ${asText(reason.replaceAll("-", " "))}</strong> · ${asText(detail)}<small>${times}</small>${todo}</p>`;
}
