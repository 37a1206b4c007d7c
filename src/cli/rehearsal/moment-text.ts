import type { Moment } from "../../drill/rehearsal.ts";
import type { StreamRecord } from "../../drill/stream-record.ts";
import type { WorldGroup } from "../../drill/world/world.ts";
import { FAULT_SENTENCES } from "../../report/timeline.ts";

/** A moment in words: a sentence, and what there is to say about it. */
export interface Told {
  text: string;
  detail?: string;
}

const seconds = (ms: number) => `${(ms / 1000).toFixed(2)} s`;

/** What happened, in the words of the story. */
export function momentText(moment: Moment): Told {
  switch (moment.kind) {
    case "opened":
      return openedText(moment.records);
    case "writing":
      return { text: "all of them receive tokens" };
    case "fault":
      return { text: `${moment.victim} ${FAULT_SENTENCES[moment.fault].toUpperCase()}`, detail: moment.what };
    case "moved":
      return {
        text: `the gateway goes over to group ${moment.to}, ${seconds(moment.afterMs)} after the fault`,
        detail: moment.reason,
      };
    case "carried-on":
      return { text: `${moment.streams} streams go on where they were, ${seconds(moment.afterMs)} after the fault` };
    case "finished":
      return { text: "the last answer is complete" };
  }
}

export function groupText({ id, servers }: WorldGroup, role: "serves" | "stands by"): string {
  return `group ${id} ${role} on ${servers.map(({ name }) => name).join(" and ")}`;
}

function openedText(records: readonly StreamRecord[]): Told {
  const kinds = records.map(({ request }) => request.kind);
  const count = (kind: (typeof kinds)[number], one: string, many: string) => {
    const number = kinds.filter((other) => other === kind).length;
    return number === 0 ? [] : [`${number} ${number === 1 ? one : many}`];
  };
  const parts = [
    ...count("chat", "chat", "chats"),
    ...count("chat-thinking", "chat with reasoning", "chats with reasoning"),
    ...count("completion", "completion", "completions"),
  ];
  const sizes = records.map(({ request }) => Math.round(request.prompt.length / 4));
  const [least, most] = [Math.min(...sizes), Math.max(...sizes)];
  return {
    text: `${records.length} streams open`,
    detail: `${parts.join(", ")}; prompts of ${least} to ${most} tokens`,
  };
}
