import { afterAll, beforeAll, expect, test } from "vitest";
import { CALL_NAME, callTokens, expectedText, tagOf } from "../../src/emulator/tokens.ts";
import { events, jsonOf, type ServerProcess, startGroup } from "./server-process.ts";

let leader: ServerProcess;
beforeAll(async () => {
  const flags = ["--reasoning-parser", "deepseek-v3", "--tool-call-parser", "deepseekv31"];
  [leader] = (await startGroup({ nnodes: 1, tp: 2, flags })) as [ServerProcess];
}, 60_000);
afterAll(() => leader.stop());

const message = "call me answer=2 call=3";
const tools = [{ type: "function", function: { name: CALL_NAME, parameters: { type: "object" } } }];
const body = (more: object) => ({ messages: [{ role: "user", content: message }], tools, ...more });
const args = callTokens(tagOf(message), 3).slice(1, -1);

interface Frame {
  choices: { delta: { content?: string | null; tool_calls?: object[] | null }; finish_reason: string | null }[];
}

async function frames(more: object): Promise<Frame[]> {
  const response = await leader.post("/v1/chat/completions", body({ stream: true, ...more }));
  const all: Frame[] = [];
  for await (const data of events(response)) if (data !== "[DONE]") all.push(JSON.parse(data) as Frame);
  return all;
}

test("a call comes in pieces: first its id and name, then arguments, and the finish says so", async () => {
  const choices = (await frames({})).flatMap(({ choices }) => choices);
  const calls = choices.flatMap(({ delta }) => delta.tool_calls ?? []) as {
    id: string | null;
    index: number;
    function: { name: string | null; arguments: string };
  }[];
  expect(choices.map(({ delta }) => delta.content ?? "").join("")).toBe(expectedText(message, 2));
  expect(calls[0]).toMatchObject({
    id: expect.stringMatching(/^call_[0-9a-f]{24}$/),
    index: 0,
    function: { name: CALL_NAME, arguments: "" },
  });
  expect(calls.slice(1).map(({ id, function: { name, arguments: text } }) => [id, name, text])).toEqual(
    args.map((text) => [null, null, text]),
  );
  expect(JSON.parse(args.join(""))).toEqual({ text: expect.any(String) });
  expect(choices.at(-1)?.finish_reason).toBe("tool_calls");
});

test("a call that max_tokens cuts is none", async () => {
  const choices = (await frames({ max_tokens: 5 })).flatMap(({ choices }) => choices);
  expect(choices.at(-1)?.finish_reason).toBe("length");
});

test("without streaming it is one list", async () => {
  const whole = await jsonOf(await leader.post("/v1/chat/completions", body({})));
  expect(whole.choices[0]).toMatchObject({
    finish_reason: "tool_calls",
    message: {
      content: expectedText(message, 2),
      tool_calls: [{ type: "function", function: { name: CALL_NAME, arguments: args.join("") } }],
    },
  });
});

test("text that is carried on to its end is followed by the call", async () => {
  const prefix = expectedText(message, 2);
  const messages = [
    { role: "user", content: message },
    { role: "assistant", content: prefix },
  ];
  const rest = await jsonOf(
    await leader.post("/v1/chat/completions", { messages, tools, continue_final_message: true }),
  );
  expect(rest.choices[0].message).toMatchObject({
    content: "",
    tool_calls: [{ function: { arguments: args.join("") } }],
  });
});

test.each<[string, object]>([
  ["tools are not offered", { tools: [] }],
  ["tools are not wanted", { tool_choice: "none" }],
])("no call where %s", async (_name, more) => {
  const whole = await jsonOf(await leader.post("/v1/chat/completions", body(more)));
  expect(whole.choices[0]).toMatchObject({
    finish_reason: "stop",
    message: { content: expectedText(message, 2), tool_calls: null },
  });
});
