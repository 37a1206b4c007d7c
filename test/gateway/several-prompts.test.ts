import { afterEach, expect, test } from "vitest";
import { events } from "../emulator/server-process.ts";
import { ask } from "./gateway-fixture.ts";
import { completed, DONE, type Scripted, startScripted } from "./scripted-engine.ts";

let world: Scripted;
afterEach(() => world.close());

async function read(response: Response) {
  const got = { texts: {} as Record<number, string>, done: false, code: null as string | null };
  for await (const data of events(response)) {
    if (data === DONE) {
      got.done = true;
      continue;
    }
    const { choices = [], error } = JSON.parse(data) as {
      choices?: { index: number; text: string }[];
      error?: { code: string };
    };
    got.code = error?.code ?? got.code;
    for (const { index, text } of choices) got.texts[index] = (got.texts[index] ?? "") + text;
  }
  return got;
}
const body = (more: object) => ({ model: "deepseek-v3", stream: true, max_tokens: 9, ...more });

test.each<[string, object, string[]]>([
  ["two prompts", { prompt: ["one", "two"] }, ["a", "b"]],
  ["two choices of one prompt", { prompt: "one", n: 2 }, ["a", "b"]],
  ["two choices of each of two prompts", { prompt: ["one", "two"], n: 2 }, ["a", "b", "c", "d"]],
])("%s: a break after the first text's end is no end of the others", async (_name, more, texts) => {
  world = await startScripted({
    a: ({ write, response }) => {
      write(...texts.map((text, index) => completed(index, text)), completed(0, ".", "stop"));
      setTimeout(() => response.destroy(), 50);
    },
    b: ({ write, response }) => {
      write(...texts.map((text, index) => completed(index, text, "stop")), DONE);
      response.end();
    },
  });
  const { done, code } = await read(await ask(world.url, "/v1/completions", body(more)));
  expect([done, code]).toEqual([false, "stream_not_continued"]);
});

test("they end when all texts have", async () => {
  world = await startScripted({
    a: ({ write, response }) => {
      write(completed(0, "a", "stop"), completed(1, "b"), completed(1, "c", "length"));
      setTimeout(() => response.destroy(), 50);
    },
    b: () => {},
  });
  const { texts, done, code } = await read(await ask(world.url, "/v1/completions", body({ prompt: ["one", "two"] })));
  expect([texts, done, code]).toEqual([{ 0: "a", 1: "bc" }, true, null]);
});

test("one token list is one prompt, and so is a list of one text", async () => {
  world = await startScripted({
    a: ({ write, response }) => {
      write(completed(0, "a", "stop"));
      setTimeout(() => response.destroy(), 50);
    },
    b: () => {},
  });
  for (const prompt of [[5, 6, 7], ["one"]])
    expect(await read(await ask(world.url, "/v1/completions", body({ prompt })))).toMatchObject({ done: true });
});
