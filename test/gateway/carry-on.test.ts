import { afterEach, expect, test } from "vitest";
import { expectedText } from "../../src/emulator/tokens.ts";
import { readChat } from "../emulator/server-process.ts";
import { ask, chat, startWorld, type World } from "./gateway-fixture.ts";

let world: World | undefined;
afterEach(async () => {
  await world?.close();
  world = undefined;
});

test("an engine is killed in the middle of a stream: the client sees every token exactly once", async () => {
  world = await startWorld();
  const { message, body } = chat("carry me", 300, 40, { stream_options: { include_usage: true } });
  const response = await ask(world.url, "/v1/chat/completions", body);
  expect(response.status).toBe(200);
  setTimeout(() => void world?.a[0]?.stop(), 700);
  const answer = await readChat(response);
  expect(answer.error).toBeUndefined();
  expect(answer.reasoning).toBe(expectedText(message, 40, "reasoning"));
  expect(answer.content).toBe(expectedText(message, 300));
  expect(answer.finish).toBe("stop");
  expect(answer.done).toBe(true);
  expect(world.gateway.gateway.status.lastFailover).toMatchObject({ from: "a", to: "b", carried: 1 });
  expect(new Set(answer.chunks.map(({ id }) => id)).size).toBe(1);
  // 40 of reasoning, the closing tag, 300 of answer, the end of the sentence.
  expect(answer.usage).toMatchObject({ completion_tokens: 342, reasoning_tokens: 41 });
});
