import { afterAll, beforeAll, expect, test } from "vitest";
import { type ServerProcess, startGroup } from "./server-process.ts";

let leader: ServerProcess;
beforeAll(async () => {
  [leader] = (await startGroup({ nnodes: 1, tp: 2 })) as [ServerProcess];
});
afterAll(() => leader.stop());

type Row = [number | null, number, null];
interface Answer {
  output_ids: number[];
  meta_info: {
    cached_tokens: number;
    input_token_logprobs: Row[];
    output_token_logprobs: Row[];
    output_top_logprobs: Row[][];
  };
}
const ask = async (body: object): Promise<Answer> => {
  const response = await leader.post("/generate", {
    text: "The tide comes in twice a day, and the harbour pilots know it by heart.",
    sampling_params: { temperature: 0, max_new_tokens: 5 },
    ...body,
  });
  return (await response.json()) as Answer;
};

test("log-probabilities of every token written, with the alternatives asked for", async () => {
  const { output_ids, meta_info } = await ask({ return_logprob: true, top_logprobs_num: 2 });
  expect(meta_info.output_token_logprobs.map(([, id]) => id)).toEqual(output_ids);
  expect(meta_info.output_top_logprobs.map((rows) => rows.length)).toEqual([2, 2, 2, 2, 2]);
  // The default starts at the last token of the prompt.
  expect(meta_info.input_token_logprobs).toHaveLength(1);
  for (const [logprob] of meta_info.output_token_logprobs) expect(logprob).toBeLessThan(0.011);
});

test("from position 0 the whole prompt is told, and no cache is used for it", async () => {
  await ask({});
  expect((await ask({})).meta_info.cached_tokens).toBeGreaterThan(0);
  const { meta_info } = await ask({ return_logprob: true, logprob_start_len: 0 });
  expect(meta_info.input_token_logprobs[0]?.[0]).toBeNull();
  expect(meta_info.input_token_logprobs.length).toBeGreaterThan(10);
});

test("twice the same question gives nearly the same values, never exactly", async () => {
  const values = async () =>
    (await ask({ return_logprob: true })).meta_info.output_token_logprobs.map(([logprob]) => logprob ?? 0);
  const [one, two] = [await values(), await values()];
  const far = one.map((value, at) => Math.abs(value - (two[at] ?? 0)));
  expect(Math.max(...far)).toBeGreaterThan(0);
  expect(Math.max(...far)).toBeLessThan(0.05);
});

test("nobody asked, nothing is told", async () => {
  expect(Object.keys((await ask({})).meta_info)).not.toContain("output_token_logprobs");
});
