import { expect, test } from "vitest";
import { unheard } from "../../src/health/server-evidence.ts";
import { Canaries } from "../../src/reconciler/canaries.ts";

const heardUntil = (lastHeardMs: number) => ({ ...unheard("gpu-a"), lastHeardMs });
/** Nobody may be asked here: no such address answers. */
const ENGINE = { urls: ["http://127.0.0.1:1"], model: "m" };
const BLIND_AFTER_MS = 600;

test.each([
  // Kubernetes calls it ready again only when it hears of it, and that may be long after the first token.
  { when: "a token has come since its server fell silent", progressMs: 8_000, then: 8_000 },
  { when: "its last token is older than the silence", progressMs: 900, then: null },
  { when: "no token is known", progressMs: undefined, then: null },
])("a group that is not called ready owes nothing, and what it gave counts: $when", ({ progressMs, then }) => {
  const canaries = new Canaries(() => expect.unreachable("asked"));
  const told = canaries.traffic("a", "starting", [heardUntil(1_000)], ENGINE, progressMs, 9_000, BLIND_AFTER_MS, 0);
  expect(told).toEqual({ lastTokenMs: then, unansweredCanarySinceMs: null, owesNone: true });
});
