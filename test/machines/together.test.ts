import { expect, test } from "vitest";
import { together } from "../../src/machines/together.ts";

const never = new AbortController().signal;
/** Ends when it is told to, and takes a moment for it. */
const patient = (ended: { at?: number }) => (signal: AbortSignal) =>
  new Promise<string>((_, reject) => {
    signal.addEventListener("abort", () =>
      setTimeout(() => {
        ended.at = performance.now();
        reject(signal.reason as Error);
      }, 5),
    );
  });

test("answers what both have made", async () => {
  expect(await together(never, [async () => 1, async () => "two"])).toEqual([1, "two"]);
});

test.each(["first", "second"])("when the %s fails, the other has ended before anybody hears of it", async (which) => {
  const ended: { at?: number } = {};
  const fails = async (): Promise<string> => Promise.reject(new Error("no room"));
  const running =
    which === "first" ? together(never, [fails, patient(ended)]) : together(never, [patient(ended), fails]);
  await expect(running).rejects.toThrow("no room");
  expect(ended.at).toBeLessThanOrEqual(performance.now());
});

test("an interruption ends both, and its reason is what is thrown", async () => {
  const controller = new AbortController();
  const ended = [{}, {}] as { at?: number }[];
  const running = together(controller.signal, [patient(ended[0] ?? {}), patient(ended[1] ?? {})]);
  controller.abort(new Error("Ctrl-C"));
  await expect(running).rejects.toThrow("Ctrl-C");
  expect(ended.every(({ at }) => at !== undefined)).toBe(true);
});
