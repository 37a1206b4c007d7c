import { expect, test } from "vitest";
import type { GatewayHeard } from "../../src/reconciler/gateways.ts";
import { witnessesOf } from "../../src/reconciler/witnesses.ts";

const told = (heardMs: number, servers: GatewayHeard["said"]["servers"]) => ({
  heardMs,
  said: { servers } as GatewayHeard["said"],
});

test("of several gateways the one that heard a server last counts; a stream that was closed or never began tells nothing", () => {
  const found = witnessesOf([
    told(10_000, { "gpu-a": { stream: "open", silentMs: 200 }, "gpu-b": { stream: "open", silentMs: 4_000 } }),
    told(10_300, { "gpu-a": { stream: "closed", silentMs: 10 }, "gpu-b": { stream: "open", silentMs: 5_000 } }),
    told(10_400, { "gpu-c": { stream: "never", silentMs: null } }),
    told(10_500, {}),
  ]);
  expect(Object.fromEntries(found)).toEqual({ "gpu-a": { heardMs: 9_800 }, "gpu-b": { heardMs: 6_000 } });
});

test("of a gateway that is not heard any more the last word counts where no other has one", () => {
  const present = [told(10_000, { "gpu-a": { stream: "open", silentMs: 4_000 } })];
  const gone = [
    told(5_000, { "gpu-a": { stream: "open", silentMs: 100 }, "gpu-b": { stream: "open", silentMs: 100 } }),
  ];
  expect(Object.fromEntries(witnessesOf(present, gone))).toEqual({
    "gpu-a": { heardMs: 6_000 },
    "gpu-b": { heardMs: 4_900, isGone: true },
  });
});

test("a gateway that has lost a server that we hear has a broken link itself, and is no better than one that is gone", () => {
  const word = { "gpu-a": { stream: "open", silentMs: 3_000 }, "gpu-b": { stream: "open", silentMs: 3_000 } } as const;
  const own = (heardMs: number) => (server: string) => (server === "gpu-b" ? heardMs : undefined);
  const isGone = (heardMs: number, words: GatewayHeard["said"]["servers"] = word) =>
    witnessesOf([told(10_000, words)], [], own(heardMs)).get("gpu-a")?.isGone ?? false;
  expect(isGone(9_800)).toBe(true);
  expect(isGone(7_000), "we have lost it too").toBe(false);
  expect(isGone(9_800, { ...word, "gpu-b": { stream: "closed", silentMs: 3_000 } }), "its agent ended").toBe(false);
  expect(isGone(9_800, { ...word, "gpu-b": { stream: "open", silentMs: 1_500 } }), "its word is a little late").toBe(
    false,
  );
});

test("of a gateway that is gone the last word counts, too, where it heard a server that those that are left had lost", () => {
  const present = [told(10_000, { "gpu-a": { stream: "open", silentMs: 4_000 } })];
  const gone = (heardMs: number) => [told(heardMs, { "gpu-a": { stream: "open", silentMs: 0 } })];
  expect(witnessesOf(present, gone(7_500)).get("gpu-a")).toEqual({ heardMs: 6_000 });
  expect(witnessesOf(present, gone(8_000)).get("gpu-a")).toEqual({ heardMs: 8_000, isGone: true });
});
