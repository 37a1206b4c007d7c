import { afterEach, expect, test } from "vitest";
import { readChat } from "../emulator/server-process.ts";
import { ask, chat } from "./gateway-fixture.ts";
import { counted, finished, type Scripted, said, startScripted } from "./scripted-engine.ts";

let world: Scripted;
afterEach(() => world.close());

/** Until the gateway has read what was written: a turn of the event loop on each side, and some more. */
const settle = () => new Promise((resolve) => setTimeout(resolve, 50));

async function brokenAfterFinish(more: object, frames: object[]) {
  world = await startScripted({
    a: (asked) => asked.write(...frames),
    b: (asked) => asked.write(said(" and more", 1), finished(), counted(1), "[DONE]"),
  });
  const answer = ask(world.url, "/v1/chat/completions", chat("whole", 10, 0, more).body);
  while (world.a.asked.length === 0) await settle();
  await settle();
  world.giveUpA();
  return answer;
}

test.each<[string, object[]]>([
  ["its [DONE]", [counted(2)]],
  ["its usage and [DONE]", []],
])("an answer whose finish came, and %s did not, is complete when its group is given up", async (_name, more) => {
  const usage = { stream_options: { include_usage: true } };
  const frames = [said("Hello", 1), said(" you", 2), finished(), ...more];
  const answer = await readChat(await brokenAfterFinish(usage, frames));
  expect(world.b.asked).toHaveLength(0);
  expect([answer.content, answer.done, answer.error]).toEqual(["Hello you", true, undefined]);
  expect(answer.chunks.flatMap(({ choices }) => choices.flatMap((one) => one.finish_reason ?? []))).toEqual(["stop"]);
  const usages = answer.chunks.flatMap((chunk) => chunk.usage ?? []);
  expect(usages).toMatchObject([{ prompt_tokens: 7, completion_tokens: 2, total_tokens: 9 }]);
});

test("so is one that could not be carried on: all of its choices are there", async () => {
  const second = (frame: ReturnType<typeof said> | ReturnType<typeof finished>) => ({
    ...frame,
    choices: frame.choices.map((choice) => ({ ...choice, index: 1 })),
  });
  const frames = [said("one", 1), second(said("two", 1)), finished(), second(finished())];
  const answer = await readChat(await brokenAfterFinish({ n: 2 }, frames));
  expect([answer.content, answer.done, answer.error]).toEqual(["onetwo", true, undefined]);
});
