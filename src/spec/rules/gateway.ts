import { didYouMean } from "../did-you-mean.ts";
import type { Draft } from "../draft.ts";
import { type Problem, problem } from "../problem.ts";
import { entriesOf, itemsOf } from "./read.ts";

/** The gateway's replicas run on known servers that do not die together with one group. */
export function gatewayRules(spec: Draft): Problem[] {
  const on = itemsOf(spec.gateway?.on);
  const places = [...Object.keys(spec.servers ?? {}), ...Object.keys(spec.controlPlane ?? {})];
  const complete = spec.servers !== undefined && spec.controlPlane !== undefined;
  return [
    ...on
      .filter(({ item }) => complete && !places.includes(item))
      .map(({ item, index }) => {
        const meant = didYouMean(item, places);
        return problem("E_SPEC_UNKNOWN_SERVER", ["gateway", "on", index], {
          what: `gateway.on names ${item}, which is neither a server nor a control plane`,
          why: `there are ${places.join(", ") || "none"}`,
          fix: meant === undefined ? "name one of these" : `did you mean \`${meant}\`?`,
        });
      }),
    ...sameGroup(spec, on),
  ];
}

function sameGroup(spec: Draft, on: readonly { item: string; index: number }[]): Problem[] {
  const [first, second] = on;
  if (first === undefined || second === undefined) return [];
  const path = ["gateway", "on", second.index];
  if (first.item === second.item) {
    return [
      problem("E_SPEC_GATEWAY", path, {
        what: `both gateway replicas are on ${first.item}`,
        why: "they would die together",
        fix: "name two servers, or one for a single replica",
      }),
    ];
  }
  const group = entriesOf(spec.groups).find(
    ([, members]) => members.includes(first.item) && members.includes(second.item),
  );
  if (group === undefined) return [];
  const elsewhere = [...Object.keys(spec.controlPlane ?? {}), ...Object.keys(spec.servers ?? {})].find(
    (name) => !group[1].includes(name),
  );
  return [
    problem("E_SPEC_GATEWAY", path, {
      what: `both gateway replicas are on servers of group ${group[0]}: ${first.item} and ${second.item}`,
      why: "what takes that group down (a switch, a rack, a drain) takes every way to the other group with it",
      fix: `move one of them${elsewhere === undefined ? " to a server outside the group" : `, e.g. to ${elsewhere}`}`,
    }),
  ];
}
