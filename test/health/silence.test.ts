import { expect, test } from "vitest";
import { hearConnection } from "../../src/health/hear.ts";
import { type ServerEvidence, unheard } from "../../src/health/server-evidence.ts";
import { wasUnheardAt } from "../../src/health/silence.ts";
import { play } from "./support.ts";

const heardUntil = (atMs: number): ServerEvidence =>
  play("gpu-a", [
    [0, "beat"],
    [atMs, "beat"],
  ]);
/** Heard until 10 s, lost, and heard anew since `atMs`. */
const heardAnew = (atMs: number): ServerEvidence =>
  play("gpu-a", [[atMs, { agent: "agent-1" }]], {
    start: hearConnection(heardUntil(10_000), "lost", "no beat", 13_000),
  });

test.each([
  { when: "it never was heard", known: unheard("gpu-a"), atMs: 20_000, then: false },
  { when: "it is heard, and was", known: heardUntil(20_000), atMs: 20_000, then: false },
  { when: "its last beat is a little old", known: heardUntil(20_000), atMs: 20_600, then: false },
  { when: "it has been silent since before", known: heardUntil(20_000), atMs: 20_601, then: true },
  { when: "it was lost then, and is heard anew since", known: heardAnew(25_000), atMs: 12_000, then: true },
  { when: "it was heard anew before", known: heardAnew(25_000), atMs: 25_001, then: false },
  { when: "it was lost only after that", known: heardAnew(25_000), atMs: 9_999, then: false },
  { when: "it came back at once", known: heardAnew(10_500), atMs: 10_300, then: false },
  { when: "what came before it was ever heard is not known", known: heardUntil(20_000), atMs: -1, then: false },
])("$when: unheard is $then", ({ known, atMs, then }) => {
  expect(wasUnheardAt(known, atMs)).toBe(then);
});
