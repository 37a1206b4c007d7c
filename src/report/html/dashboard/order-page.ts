import { asText, paragraphs } from "../markup.ts";
import type { Visitor } from "./page.ts";
import { shellOf } from "./shell.ts";

export interface Order {
  stack: string;
  /** `Switch over`, on the button and in the title. */
  verb: string;
  /** Path that the form is sent to. */
  action: string;
  /** What would be done, as `--dry-run` prints it. */
  plan: string;
  /** Why it would be refused, and what then; null where it may be asked for. */
  refused: { why: string; fix: string } | null;
  /** What was decided on: sent back with the form, so that a plan that is not true any more is refused. */
  fields: Readonly<Record<string, string>>;
  question: string;
  /** Said before everything else: what came of the form that was sent. */
  problem?: string;
  /** More, as paragraphs. */
  more: readonly string[];
}

/** Shows what an order would do and asks: nothing is changed before the form is sent. */
export function orderPage(order: Order, { csrf }: Visitor): string {
  const { stack, verb, action, plan, refused, fields, question, problem, more } = order;
  const hidden = Object.entries({ ...fields, csrf }).map(
    ([name, value]) => `<input type="hidden" name="${asText(name)}" value="${asText(value)}">`,
  );
  const ask =
    refused === null
      ? `<form method="post" action="${asText(action)}">${hidden.join("")}<p><strong>${asText(question)}</strong></p><p class="actions"><button class="strong">${asText(verb)}</button> <a class="button" href="./">No, go back</a></p></form>`
      : `<p><strong class="badly">✖ It would be refused.</strong> ${asText(refused.why)}. ${asText(refused.fix)}</p><p><a class="button" href="./">Go back</a></p>`;
  return shellOf({
    title: `${stack}: ${verb.toLowerCase()}`,
    nav: '<nav aria-label="Way back"><a href="./">Back to the state</a></nav>',
    main: [
      problem === undefined ? "" : `<p role="alert" class="badly"><strong>✖ ${asText(problem)}</strong></p>`,
      '<h2 id="plan">What would be done</h2>',
      `<pre role="region" aria-labelledby="plan" tabindex="0">${asText(plan)}</pre>`,
      ask,
      paragraphs(...more),
    ].join("\n"),
    footer: "Nothing is changed before you say yes.",
    isLive: false,
  });
}
