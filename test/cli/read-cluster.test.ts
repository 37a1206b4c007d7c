import { writeFileSync } from "node:fs";
import type { ServerResponse } from "node:http";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { readCluster } from "../../src/cli/service/read-cluster.ts";
import { type GatewayAnswer, joinStatus } from "../../src/report/stack-status.ts";
import { statusText } from "../../src/report/status.ts";
import { MemoryApi } from "../kube/memory-api.ts";
import { wellService } from "../report/dashboards.ts";
import { temporaryFolders } from "../support/temporary-folder.ts";

const SERVICE = "/apis/tandem.dev/v1alpha1/namespaces/tandem-prod/modelservices/prod";
const LEASE = "/apis/coordination.k8s.io/v1/namespaces/tandem-prod/leases/reconciler";
const folder = temporaryFolders();
let api: MemoryApi;
let kubeconfig: string;

beforeEach(async () => {
  api = await MemoryApi.start();
  kubeconfig = join(folder(), "kubeconfig");
  writeFileSync(kubeconfig, api.kubeconfig());
  api.put(SERVICE, { ...wellService() });
});
afterEach(() => api.close());

const lease = (holderIdentity: string, secondsAgo: number) =>
  api.put(LEASE, {
    spec: {
      holderIdentity,
      leaseDurationSeconds: 6,
      renewTime: new Date(Date.now() - secondsAgo * 1_000).toISOString(),
    },
  });
/** Before the answer to a read of the lease; true where it has answered by itself. */
const onLease = (answer: (response: ServerResponse) => boolean) => {
  api.intercept = async ({ path }, response) => path === LEASE && answer(response);
};
const forbid = (response: ServerResponse) => {
  const message = `leases.coordination.k8s.io "reconciler" is forbidden: User "jane" cannot get resource "leases" in API group "coordination.k8s.io" in the namespace "tandem-prod"`;
  response.writeHead(403).end(JSON.stringify({ kind: "Status", code: 403, reason: "Forbidden", message }));
  return true;
};
/** What `tandem status` shows while one gateway answers. */
const status = async () => {
  const { active = null, epoch = 0 } = wellService().status ?? {};
  const groups = { a: { servers: [], state: "clear", reason: "", requests: 0 } };
  const holder: GatewayAnswer = {
    ...{ active, standby: "b", epoch, groups },
    ...{ choice: "use", reason: "a serves", model: "m", lastFailover: null },
  };
  const word = await readCluster({ stack: "prod", kubeconfig });
  return joinStatus({ stack: "prod", url: "http://x", model: "m", holder, replicas: { "cp-1": holder }, ...word });
};
const firstLine = async () => statusText(await status(), Date.now()).split("\n")[0];

describe("who looks after a stack", () => {
  test("is known, and no word is lost on it, while somebody does", async () => {
    lease("reconciler-x", 1);
    expect((await status()).lease).toMatchObject({ leader: "reconciler-x", stale: false });
    expect(await firstLine()).toMatch(/^prod · /);
  });

  test("nobody: this stands first, with since when, who it was last, and what to do", async () => {
    lease("reconciler-x", 240);
    expect((await status()).lease).toMatchObject({ namespace: "tandem-prod", leader: "reconciler-x", stale: true });
    expect(await firstLine()).toBe(
      "NOBODY LOOKS AFTER IT: reconciler-x last renewed the reconciler's lease 4 min ago; what the reconciler says below is from then. To do: kubectl -n tandem-prod get pods -l app.kubernetes.io/name=reconciler -o wide; kubectl -n tandem-prod logs deploy/reconciler",
    );
    lease("", 3);
    expect(await firstLine(), "the next one is about to take it").toMatch(/^prod · /);
    lease("", 30);
    expect(await firstLine()).toMatch(/^NOBODY LOOKS AFTER IT: the reconciler gave its lease back \d+ s ago;/);
  });

  test("the API server's clock counts, not that of this computer", async () => {
    const at = (skewMs: number) =>
      onLease((response) => {
        response.setHeader("date", new Date(Date.now() + skewMs).toUTCString());
        return false;
      });
    lease("reconciler-x", 3_600);
    at(-3_600_000);
    expect((await status()).lease?.stale).toBe(false);
    lease("reconciler-x", 0);
    at(600_000);
    expect(await firstLine()).toMatch(/lease 10 min ago/);
  });

  test("without a clock of the API server this computer's counts, with more patience", async () => {
    onLease((response) => {
      response.sendDate = false;
      return false;
    });
    lease("reconciler-x", 40);
    expect((await status()).lease).toMatchObject({ stale: false, leader: "reconciler-x" });
    lease("reconciler-x", 90);
    expect((await status()).lease?.stale).toBe(true);
  });

  test.each<[string, () => void, string]>([
    ["there is no lease", () => {}, "there is no lease reconciler in namespace tandem-prod"],
    [
      "it may not be read",
      () => onLease(forbid),
      'you may not see who looks after stack prod: user "jane" has no right to get leases.coordination.k8s.io in namespace tandem-prod',
    ],
  ])("is not known where %s; the rest is shown", async (_name, prepare, why) => {
    prepare();
    const shown = await status();
    expect(shown).toMatchObject({ lease: null, leaseMissing: why, reconcilerMissing: null });
    expect(statusText(shown, Date.now())).toContain(`not known whether anybody looks after it: ${why}\n`);
  });

  test("an API server that is away is said once", async () => {
    onLease(() => false);
    await api.close();
    const shown = await status();
    expect(shown).toMatchObject({ lease: null, reconciler: null, leaseMissing: shown.reconcilerMissing });
    expect(statusText(shown, Date.now())).not.toContain("not known whether");
    api = await MemoryApi.start();
  });
});
