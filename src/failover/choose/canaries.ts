import type { ChooseTiming } from "./timing.ts";
import type { GatewayView, GroupView, ServerView } from "./view.ts";

/** The groups to ask for one token now. At most one canary of a group is out at a time. */
export function canariesOf(view: GatewayView, timing: ChooseTiming): string[] {
  return view.groups.filter((group) => wanted(group, view, timing)).map(({ id }) => id);
}

function wanted(group: GroupView, view: GatewayView, timing: ChooseTiming): boolean {
  const { atMs } = view;
  const { askedMs, answeredMs, failedMs } = group.canary;
  if (askedMs !== null) return false;
  const lastAnswer = Math.max(answeredMs ?? Number.NEGATIVE_INFINITY, failedMs ?? Number.NEGATIVE_INFINITY);
  const since = atMs - lastAnswer;
  // While nobody can be used, the first that answers is taken: ask as fast as answers come.
  if (view.heldSinceMs !== null) return since >= 100;
  if (group.breaks.some((one) => one.atMs > lastAnswer)) return true;
  const lastSign = Math.max(lastAnswer, group.lastTokenMs ?? Number.NEGATIVE_INFINITY);
  // A silence that is long past its verdict is no reason to try a dead server three times a second.
  const isNewlyQuiet = ({ stream, lastHeardMs }: ServerView) =>
    stream === "open" && atMs - lastHeardMs >= timing.askAfterSilenceMs && atMs - lastHeardMs < timing.goneAfterMs;
  if (group.servers.some(isNewlyQuiet) && atMs - lastSign >= timing.askAfterSilenceMs) return true;
  // Tokens of running streams prove more than a canary and cost nothing.
  return atMs - (group.id === view.current ? lastSign : lastAnswer) >= timing.canaryEveryMs;
}
