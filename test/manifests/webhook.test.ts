import { expect, test } from "vitest";
import { reconcilerDeployment } from "../../src/manifests/reconciler.ts";
import { parseSpec } from "../../src/spec/parse.ts";
import { planned } from "../plan/good-spec.ts";
import { changed } from "../spec/specs.ts";

test("the Secret that the spec names is mounted where the reconciler looks, and may come later", () => {
  const text = JSON.stringify(reconcilerDeployment(planned({ "failover.webhook": { secret: "pager" } })));
  expect(text).toContain('{"name":"webhook","secret":{"secretName":"pager","defaultMode":288,"optional":true}}');
  expect(text).toContain('{"name":"webhook","mountPath":"/etc/tandem-webhook","readOnly":true}');
  expect(text).toContain('{"name":"TANDEM_WEBHOOK_FOLDER","value":"/etc/tandem-webhook"}');
});

test("without one nothing of it is there", () => {
  expect(JSON.stringify(reconcilerDeployment(planned()))).not.toContain("webhook");
});

test("an address in the spec is refused: it holds a key", () => {
  const parsed = parseSpec(changed({ "failover.webhook": { url: "https://events.example/KEY" } }), "x.yaml");
  expect(parsed.ok).toBe(false);
});
