import { afterEach, expect, test } from "vitest";
import { readChat } from "../emulator/server-process.ts";
import { ask, chat } from "./gateway-fixture.ts";
import { counted, DONE, finished, type Scripted, said, startScripted } from "./scripted-engine.ts";

let world: Scripted;
afterEach(() => world.close());

// The piece before the break is half a character: the client has not got it, so that its token is still to be written.
test.each([3, 10])("of %d tokens the third is lost with its connection, and comes again", async (maxTokens) => {
  world = await startScripted({
    a: ({ write, response, body }, count) => {
      if (count === 1) {
        write(said("a", 1), said("b", 2), said("\ufffd", 3));
        return void setTimeout(() => response.destroy(), 50);
      }
      write(said("💡", 1), finished(body.max_tokens === 1 ? "length" : "stop"), counted(1), DONE);
      response.end();
    },
    b: () => {},
  });
  const more = { max_tokens: maxTokens, stream_options: { include_usage: true } };
  const answer = await readChat(await ask(world.url, "/v1/chat/completions", chat("half", 9, 0, more).body));
  expect([answer.content, answer.done]).toEqual(["ab💡", true]);
  expect(world.a.asked.map(({ body }) => body.max_tokens)).toEqual([maxTokens, maxTokens - 2]);
  expect(answer.usage).toMatchObject({ completion_tokens: 3 });
});
